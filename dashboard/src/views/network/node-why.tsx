/** What one of the others thinks of a node, and why: asked as long as it is shown. */
import { NativeSelect } from "@mantine/core";
import { useState } from "react";
import type { PicturedNode } from "../../../../src/trace/picture.ts";
import { sinceText } from "../../app/time-text.ts";
import { useLiveTimeline } from "../../timeline/use-timeline.ts";
import { EvidenceList, Note } from "./evidence-list.tsx";
import { observersOf, opinionSentences, verdictText } from "./opinion.ts";
import { useAsked } from "./use-asked.ts";

/** A longer list of names is of no use to anybody. */
const maxAsked = 500;

export function NodeWhy({ node }: { readonly node: PicturedNode }) {
  const { picture, source, startedAt } = useLiveTimeline(1);
  const [chosen, setChosen] = useState<string>();
  const observers = observersOf(picture, node).slice(0, maxAsked);
  const observer = observers.find(({ name }) => name === chosen) ?? observers[0];
  // Whoever answered is asked on, though others come before it meanwhile.
  if (observer !== undefined && observer.name !== chosen) setChosen(observer.name);
  const answer = useAsked(
    source,
    `${observer?.row} of ${node.row}`,
    `${observer?.state}`,
    async () => observer && (await source.why(observer.id, node.id)),
  );
  if (observer === undefined) return <Note>Nobody is there who could be asked.</Note>;
  const opinion = answer.type === "known" ? answer.value : undefined;
  const nameOf = (id: string | number) => picture.find(id)?.name ?? String(id);
  return (
    <>
      <NativeSelect
        size="xs"
        mb={6}
        label="Ask"
        data={observers.map(({ name }) => name)}
        value={observer.name}
        onChange={(event) => setChosen(event.currentTarget.value)}
      />
      {answer.type === "asking" && <Note>Asking {observer.name} …</Note>}
      {answer.type === "unknown" && <Note>{answer.why}</Note>}
      {opinion !== undefined && (
        <>
          <p>{verdictText(opinion, observer.name)}</p>
          {opinion.evidence.length === 0 ? (
            <Note>It never had a doubt.</Note>
          ) : (
            <EvidenceList
              sentences={opinionSentences(opinion.evidence, node.id, nameOf)}
              since={(at) => sinceText(at - startedAt)}
            />
          )}
        </>
      )}
    </>
  );
}
