/** What one node thinks of another, as sentences: the evidence of its failure detector, of whatever profile. */
import { type Evidence, identityOf, type NodeId } from "../../../../src/core/index.ts";
import type { NetworkPicture, PicturedNode } from "../../../../src/trace/picture.ts";
import { compare } from "../../drawing/layout.ts";
import type { NodeOpinion } from "../../sources/source.ts";
import { isThere } from "./appearance.ts";
import type { EvidenceSentence, NameOf } from "./evidence.ts";

/** Who can be asked about it: first who suspects it, then who holds links to it, then all others. */
export function observersOf({ nodes }: NetworkPicture, member: PicturedNode): readonly PicturedNode[] {
  const rank = ({ row, neighbors }: PicturedNode) =>
    member.suspectedBy.has(row) ? 0 : neighbors.has(member.row) ? 1 : 2;
  return [...nodes.values()]
    .filter((node) => node !== member && isThere(node) && !node.isSpokenOf)
    .sort((a, b) => rank(a) - rank(b) || compare(a.name, b.name));
}

const verdicts: Readonly<Record<NodeOpinion["state"], string>> = {
  alive: "takes it for alive",
  suspect: "suspects it",
  failed: "has given it up",
  left: "knows that it left",
  unknown: "does not know it",
};

export function verdictText({ state }: NodeOpinion, observer: string): string {
  return `${observer} ${verdicts[state]}.`;
}

export function opinionSentences(
  evidence: readonly Evidence[],
  member: NodeId,
  nameOf: NameOf,
): readonly EvidenceSentence[] {
  return evidence.map(({ at, kind, by, through, detail }) => {
    const who = nameOf(by);
    const text = `${sayingOf(kind, who, identityOf(by) === identityOf(member), through.map(nameOf))}`;
    return { at, text: detail === "" ? text : `${text}: ${detail}`, side: sides[kind] ?? "fate" };
  });
}

const sides: Readonly<Record<string, EvidenceSentence["side"]>> = {
  missed: "against",
  suspected: "against",
  "awaits-quorum": "against",
  alive: "for",
};

function sayingOf(
  kind: Evidence["kind"],
  who: string,
  isItself: boolean,
  through: readonly string[],
): string {
  switch (kind) {
    case "missed":
      return `${who} got no answer${through.length === 0 ? "" : `, and asked ${through.join(", ")} to try`}`;
    case "suspected":
      return `${who} suspects it`;
    case "awaits-quorum":
      return `${who} would give it up, and waits for others to agree`;
    case "alive":
      return isItself ? "It says that it lives" : `${who} got an answer`;
    case "failed":
      return `${who} gave it up`;
    case "left":
      return "It said goodbye";
    default:
      return `${who} says ${kind}`;
  }
}
