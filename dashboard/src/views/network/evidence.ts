/**
 * Why a node is suspected, or was taken for dead: what others said about it, as sentences in the order of time.
 * Misses in a row by the same neighbor are one sentence.
 */
import type { Millis, NodeId, TraceEvent } from "../../../../src/core/index.ts";

export interface EvidenceSentence {
  readonly at: Millis;
  readonly text: string;
  /** What it means for the node: `against` it, `for` it, or what became of it. */
  readonly side: "against" | "for" | "fate";
}

export type NameOf = (id: NodeId) => string;

/** What several say alike is told once. */
interface Saying {
  event: TraceEvent;
  readonly whos: string[];
}

/** Several neighbors and all seeds say these of one node. */
const alike: Readonly<Record<string, readonly string[]>> = {
  "ping-missed": ["node"],
  "dead-report-received": ["reporter", "reports", "required"],
  "dead-report-ignored": ["reporter", "reason"],
  "peer-removed": ["reason"],
  "peer-left": [],
  "member-suspected": ["incarnation"],
  "member-failed": ["incarnation"],
};

export function evidenceSentences(
  evidence: readonly TraceEvent[],
  nameOf: NameOf,
): readonly EvidenceSentence[] {
  const sayings: Saying[] = [];
  const latest = new Map<string, Saying>();
  for (const event of evidence) {
    const who = event.node === "" ? "" : nameOf(event.node);
    const fields = alike[event.type];
    const key = fields && [event.type, ...fields.map((field) => event[field])].join(" ");
    const earlier = key === undefined ? undefined : latest.get(key);
    if (event.type === "ping-missed") {
      // Misses in a row are told with the last.
      if (earlier !== undefined && Number(event["misses"]) > 1) sayings.splice(sayings.indexOf(earlier), 1);
    } else if (earlier !== undefined && !earlier.whos.includes(who)) {
      earlier.whos.push(who);
      continue;
    }
    const saying = { event, whos: [who] };
    sayings.push(saying);
    if (key !== undefined) latest.set(key, saying);
  }
  return sayings.flatMap(
    ({ event, whos }) => sentenceOf(event, namesText(whos), whos.length > 1, nameOf) ?? [],
  );
}

/** "seed-1, seed-2 and 4 more". */
function namesText(names: readonly string[]): string {
  if (names.length <= 3) return names.join(", ").replace(/, ([^,]*)$/, " and $1");
  return `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;
}

function sentenceOf(
  event: TraceEvent,
  who: string,
  areSeveral: boolean,
  nameOf: NameOf,
): EvidenceSentence | undefined {
  const { at } = event;
  const against = (text: string): EvidenceSentence => ({ at, text, side: "against" });
  const inFavor = (text: string): EvidenceSentence => ({ at, text, side: "for" });
  const fate = (text: string): EvidenceSentence => ({ at, text, side: "fate" });
  switch (event.type) {
    case "ping-missed":
      return against(`${who} missed ${times(event["misses"], "answer")}`);
    case "suspected":
      return against(
        `${who} suspects it after ${times(event["misses"], "missed answer")}${asking(event["witnesses"], nameOf)}`,
      );
    case "neighbor-failed":
      return against(`${who} gave it up: nobody who was asked reaches it`);
    case "member-suspected":
      return against(
        areSeveral
          ? `${who} suspect it: no answer, nor to those whom they asked to try`
          : `${who} suspects it: no answer, nor to those whom it asked to try`,
      );
    case "member-failed": {
      const by = list(event["by"], nameOf);
      return fate(
        `${who} gave it up: it has not refuted the ${by.length === 1 ? "suspicion" : "suspicions"} of ${namesText(by)} in time`,
      );
    }
    case "dead-node":
      return against(`${who} reported it dead to the seeds`);
    case "dead-report-received":
      return against(
        `${who} ${areSeveral ? "have" : "has"} ${times(event["reports"], "report")} of its death, ${event["required"]} needed; the last by ${name(event["reporter"], nameOf)}`,
      );
    case "dead-report-ignored":
      return inFavor(
        `${who} ignored the report by ${name(event["reporter"], nameOf)}: ${event["reason"] ?? "no reason given"}`,
      );
    case "neighbor-unreachable":
      return inFavor(`${name(event["witness"], nameOf)} reaches it: only the path from ${who} is bad`);
    case "suspect-answered":
      return inFavor(`It answered ${who}, and stays in the list`);
    case "refuted":
      return inFavor(
        event.layer === "membership"
          ? "It says that it lives, with a new incarnation"
          : "It refuted its death with a new incarnation",
      );
    case "peer-removed": {
      const reporters = list(event["reporters"], nameOf);
      const by =
        reporters.length > 0 ? `: ${times(reporters.length, "report")}, by ${reporters.join(", ")}` : "";
      return fate(
        `${who} removed it from ${areSeveral ? "their lists" : "its list"}, as ${event["reason"] ?? "gone"}${by}`,
      );
    }
    case "peer-left":
      return fate(`It told ${who} that it leaves`);
    case "crashed":
      return fate("It crashed, without a word");
    case "restarted":
      return fate(
        `It started again, ${event["keepsDisk"] === true ? "with" : "without"} what it had on disk`,
      );
    case "paused":
      return fate("It hangs: its connections stay open, and nothing is answered");
    case "resumed":
      return fate("It goes on");
    case "left":
      return fate("It said goodbye and left");
    case "stopped":
      return fate(`Its process ended: ${event["reason"] ?? "no reason given"}`);
  }
  return undefined;
}

function times(count: unknown, what: string): string {
  return `${Number(count)} ${what}${Number(count) === 1 ? "" : "s"}`;
}

function name(id: unknown, nameOf: NameOf): string {
  return typeof id === "string" || typeof id === "number" ? nameOf(id) : "somebody";
}

function list(ids: unknown, nameOf: NameOf): string[] {
  return Array.isArray(ids) ? ids.map((id) => name(id, nameOf)) : [];
}

function asking(witnesses: unknown, nameOf: NameOf): string {
  const names = list(witnesses, nameOf);
  return names.length === 0 ? "" : `, and asks ${names.join(", ")} to try`;
}
