/** How a node looks at a moment: in the graph as a form, in the grid as a color, everywhere in words. */
import { infected, removed } from "../../../../src/trace/message-book.ts";
import type { PicturedNode } from "../../../../src/trace/picture.ts";
import { type Form, formOf, lives, shapes, spreads } from "../../drawing/graph-forms.ts";
import type { CellForm } from "../../drawing/grid-pixels.ts";
import { palette } from "../../drawing/palette.ts";

/** Where a node stands towards the message; undefined where no message is shown, or it gets none. */
export type Standing = "susceptible" | "infected" | "removed" | undefined;

export function standingOf(node: PicturedNode, states: Uint8Array | undefined): Standing {
  if (states === undefined || node.role === "seed") return undefined;
  const state = states[node.row];
  return state === infected ? "infected" : state === removed ? "removed" : "susceptible";
}

export function isThere({ state }: PicturedNode): boolean {
  return state === "alive" || state === "paused";
}

export function appearanceOf(node: PicturedNode, standing: Standing): Form {
  const { state } = node;
  return formOf({
    shape: node.role === "seed" ? shapes.square : shapes.circle,
    spread: spreads[standing ?? "none"],
    life: state === "stopped" || state === "left" ? lives.ended : lives[state],
    isSuspected: isSuspected(node),
  });
}

/** One missed answer happens to everybody now and then, and is no suspicion as long as the node is there. */
export function isSuspected(node: PicturedNode): boolean {
  return isThere(node) && node.suspectedBy.size > 0;
}

/** Colors and forms of the grid's cells, by `cellOf`. */
export const cells: readonly { readonly color: string; readonly form: CellForm }[] = [
  // No message is shown.
  { color: "#6f8ab5", form: "full" },
  { color: palette.susceptible, form: "hollow" },
  { color: palette.infected, form: "full" },
  { color: palette.removed, form: "hole" },
  { color: palette.suspected, form: "hollow" },
  { color: palette.dead, form: "crossed" },
  { color: palette.paused, form: "bars" },
  { color: palette.seed, form: "full" },
  // It has ended in order.
  { color: "#40454f", form: "hollow" },
];

export function cellOf(node: PicturedNode, standing: Standing): number {
  if (node.state === "dead") return 5;
  if (node.state === "paused") return 6;
  if (!isThere(node)) return 8;
  if (isSuspected(node)) return 4;
  if (node.role === "seed") return 7;
  return standing === undefined ? 0 : standing === "susceptible" ? 1 : standing === "infected" ? 2 : 3;
}

const states = { alive: "alive", paused: "paused", stopped: "stopped", dead: "dead", left: "left" } as const;

/** "alive, suspected by 2". */
export function stateText(node: PicturedNode): string {
  const suspects = isThere(node) ? node.suspectedBy.size : 0;
  return suspects === 0 ? states[node.state] : `${states[node.state]}, suspected by ${suspects}`;
}
