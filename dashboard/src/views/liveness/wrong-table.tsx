import { Link } from "wouter";
import type { Millis } from "../../../../src/core/index.ts";
import type { WrongSuspicion } from "../../../../src/trace/liveness.ts";
import { formatTime } from "../../drawing/quantities.ts";
import { shortened } from "../../drawing/shortened.ts";
import table from "../../drawing/table.module.css";
import type { Names } from "./failures-table.tsx";

export interface WrongTableProps {
  readonly wrong: readonly WrongSuspicion[];
  readonly names: Names;
  readonly startedAt: Millis;
  readonly cursor: Millis;
  readonly onSeek: (at: Millis) => void;
}

const maxShown = 100;

const said = { suspected: "suspected", "neighbor-failed": "gave up", "peer-removed": "removed" } as const;
const outcomes = {
  answered: "it answered",
  witness: "a witness reached it",
  refuted: "it refuted that",
  listed: "listed again",
} as const;

/** Who was taken for dead though it lived, and how that came out. */
export function WrongTable({ wrong, names, startedAt, cursor, onSeek }: WrongTableProps) {
  return (
    <section
      className={table["scroll"]}
      style={{ maxHeight: 200 }}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label="False suspicions"
    >
      <table className={table["table"]}>
        <thead>
          <tr>
            <th className={table["number"]}>When</th>
            <th>Who</th>
            <th className={table["wide"]}>How it came out</th>
          </tr>
        </thead>
        <tbody>
          {wrong.slice(0, maxShown).map(({ at, by, about, type, whileDisturbed, cleared }) => (
            <tr key={`${at} ${by} ${about} ${type}`}>
              <td className={table["number"]}>
                <button
                  type="button"
                  className={table["plain"]}
                  title="Go to this moment"
                  onClick={() => onSeek(at)}
                >
                  {formatTime(at - startedAt)}
                </button>
              </td>
              <td>
                {shortened(names.name(by))} {said[type]}{" "}
                <Link href={`/network?node=${names.address(about)}`}>{shortened(names.name(about))}</Link>
              </td>
              <td className={table["wide"]}>
                {cleared === undefined || cleared.at > cursor
                  ? "not taken back"
                  : `${outcomes[cleared.how]} after ${formatTime(cleared.at - at)}`}
                {whileDisturbed ? " (while cut off)" : ""}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
