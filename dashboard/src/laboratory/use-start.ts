/** Starts what is asked of the laboratory, under the address that asks for it. */
import { useState } from "react";
import { usePage } from "../app/page.ts";
import { addressOf, type Lab, labOf } from "./lab-address.ts";
import { labelOf, runOf } from "./lab-run.ts";
import { textOf } from "./network-run.ts";
import { SimulatedSource } from "./simulated-source.ts";

export function useStart(): {
  readonly start: (lab: Exclude<Lab, { readonly kind: "epidemic" }>) => void;
  /** Why it could not be started. */
  readonly wrong: string | undefined;
} {
  const { open } = usePage();
  const [wrong, setWrong] = useState<string>();
  const start = (lab: Exclude<Lab, { readonly kind: "epidemic" }>) => {
    try {
      const address = addressOf(lab);
      // What an address cannot say cannot be linked: it is read back, and so checked.
      labOf(address);
      const source = new SimulatedSource(runOf(lab), labelOf(lab));
      setWrong(undefined);
      putAddress(address, "#/network");
      open(source);
    } catch (error) {
      setWrong(textOf(error));
    }
  };
  return { start, wrong };
}

/** Another address of the page, without loading it again. */
function putAddress(search: string, hash: string): void {
  history.pushState(null, "", `${location.pathname}${search}${hash}`);
  dispatchEvent(new PopStateEvent("popstate"));
}
