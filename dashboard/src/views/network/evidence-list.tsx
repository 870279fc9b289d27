import type { ReactNode } from "react";
import type { Millis } from "../../../../src/core/index.ts";
import type { EvidenceSentence } from "./evidence.ts";
import classes from "./network.module.css";

export interface EvidenceListProps {
  readonly sentences: readonly EvidenceSentence[];
  readonly since: (at: Millis) => string;
}

export function EvidenceList({ sentences, since }: EvidenceListProps) {
  return (
    <ol className={classes["evidence"]}>
      {sentences.map(({ at, text, side }, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: sentences have no other name, and only grow.
        <li key={i} data-side={side}>
          <time>{since(at)}</time> {text}
        </li>
      ))}
    </ol>
  );
}

export function Note({ children }: { readonly children: ReactNode }) {
  return <p className={classes["note"]}>{children}</p>;
}
