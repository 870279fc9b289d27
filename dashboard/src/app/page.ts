/** What a view may ask of the page around it. */
import { createContext, useContext } from "react";
import type { Source } from "../sources/source.ts";

export interface Page {
  /** Shows another network. */
  open(source: Source): void;
}

export const PageContext = createContext<Page | undefined>(undefined);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (page === undefined) throw new Error("there is no page around this component");
  return page;
}
