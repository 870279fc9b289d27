/** The peers of a network as a column of states towards a message, for a grid. */
import type { Millis } from "../../../src/core/index.ts";
import { type BookedMessage, statesAt } from "../../../src/trace/message-book.ts";
import type { NetworkPicture } from "../../../src/trace/picture.ts";

export interface StatesColumn {
  /** In the order of the picture: 0 to 2 as `statesAt` has them, 3 is gone, 4 hangs. */
  readonly states: Uint8Array;
  readonly counts: Readonly<Record<"susceptible" | "infected" | "removed" | "dead" | "paused", number>>;
}

const names = ["susceptible", "infected", "removed", "dead", "paused"] as const;

export function statesColumn(
  picture: NetworkPicture,
  message: BookedMessage | undefined,
  at: Millis,
): StatesColumn {
  const peers = [...picture.nodes.values()].filter(({ role }) => role === "peer");
  const rows = peers.reduce((most, { row }) => Math.max(most, row + 1), 0);
  const towards = message === undefined ? undefined : statesAt(message, at, rows);
  const counts = { susceptible: 0, infected: 0, removed: 0, dead: 0, paused: 0 };
  const states = Uint8Array.from(peers, ({ row, state }) => {
    const value = state === "paused" ? 4 : state === "alive" ? (towards?.[row] ?? 0) : 3;
    counts[names[value]!]++;
    return value;
  });
  return { states, counts };
}
