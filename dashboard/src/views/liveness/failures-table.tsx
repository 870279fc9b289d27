import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { Fragment, useState } from "react";
import { Link } from "wouter";
import type { Millis } from "../../../../src/core/index.ts";
import panel from "../../drawing/panel.module.css";
import { formatTime } from "../../drawing/quantities.ts";
import table from "../../drawing/table.module.css";
import type { DetectionTheory } from "./detection-theory.ts";
import classes from "./liveness.module.css";
import type { FailureRow } from "./liveness-figures.ts";

export interface Names {
  name(row: number): string;
  /** What a link to the node has behind `?node=`. */
  address(row: number): string;
}

export interface FailuresTableProps {
  readonly rows: readonly FailureRow[];
  readonly names: Names;
  readonly startedAt: Millis;
  readonly cursor: Millis;
  /** When theory expects the first to give it up. */
  readonly meanFirstMs: DetectionTheory["meanFirstMs"] | undefined;
  /** Members watch each other, and nobody reports to seeds. */
  readonly isModern: boolean;
  readonly onSeek: (at: Millis) => void;
}

const maxShown = 200;

/** Everybody who failed, the latest first; opened, who noticed and when. */
export function FailuresTable(props: FailuresTableProps) {
  const { rows, names, startedAt, cursor, meanFirstMs, isModern, onSeek } = props;
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (key: string) => {
    const next = new Set(open);
    if (!next.delete(key)) next.add(key);
    setOpen(next);
  };
  return (
    <>
      <table className={table["table"]}>
        <thead>
          <tr>
            <th>Peer</th>
            <th>What</th>
            <th className={table["number"]}>When</th>
            <th className={table["number"]}>Neighbors</th>
            <th className={table["number"]}>Suspected after</th>
            <th className={table["number"]}>Given up after</th>
            <th className={table["number"]} title="When the first gives it up, on average">
              Theory
            </th>
            {!isModern && <th>Reported by</th>}
            <th>Removed by seeds after</th>
            <th className={table["number"]}>Back after</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, maxShown).map((row) => {
            const { failure } = row;
            const key = `${failure.row} ${failure.at}`;
            const isOpen = open.has(key);
            return (
              <Fragment key={key}>
                <tr>
                  <th scope="row">
                    <button
                      type="button"
                      className={table["sort"]}
                      aria-expanded={isOpen}
                      aria-label={`Who noticed that ${names.name(failure.row)} failed`}
                      onClick={() => toggle(key)}
                    >
                      {isOpen ? <IconChevronDown size={12} /> : <IconChevronRight size={12} />}
                    </button>{" "}
                    <Link href={`/network?node=${names.address(failure.row)}`}>
                      {names.name(failure.row)}
                    </Link>
                  </th>
                  <td>{failure.kind === "paused" ? "❚❚ hung" : "✕ crashed"}</td>
                  <td className={table["number"]}>
                    <button
                      type="button"
                      className={table["plain"]}
                      title="Go to this moment"
                      onClick={() => onSeek(failure.at)}
                    >
                      {formatTime(failure.at - startedAt)}
                    </button>
                  </td>
                  <td className={table["number"]}>{failure.neighbors.length}</td>
                  <td className={table["number"]}>{firstOf(row.suspectedMs)}</td>
                  <td className={table["number"]}>{firstOf(row.failedMs)}</td>
                  <td className={`${table["number"]} ${table["muted"]}`}>
                    {meanText(meanFirstMs?.({ kind: failure.kind, neighbors: failure.neighbors.length }))}
                  </td>
                  {!isModern && <td>{reportsOf(row)}</td>}
                  <td>{removalsOf(row)}</td>
                  <td className={table["number"]}>
                    {row.backMs === undefined ? "–" : formatTime(row.backMs)}
                  </td>
                </tr>
                {isOpen && (
                  <tr>
                    <td colSpan={isModern ? 9 : 10} className={classes["detail"]}>
                      <Witnesses {...{ row, names, cursor, isModern }} />
                    </td>
                  </tr>
                )}
              </Fragment>
            );
          })}
        </tbody>
      </table>
      {rows.length > maxShown && (
        <p className={panel["note"]}>
          The latest {maxShown} of {rows.length} failures.
        </p>
      )}
    </>
  );
}

const wordsOf = {
  classic: {
    suspected: "suspects it and asks others to try",
    failed: "gives it up and reports it",
    removed: "called it in vain and removes it",
  },
  modern: {
    suspected: "suspects it: no answer, nor to those whom it asked to try",
    failed: "gives it up: no refutation in time",
    removed: "gives it up, and takes it from its list",
  },
} as const;

/** Who noticed, in the order in which it happened. */
function Witnesses(props: Pick<FailuresTableProps, "names" | "cursor" | "isModern"> & { row: FailureRow }) {
  const { row, names, cursor, isModern } = props;
  const { failure } = row;
  const words = wordsOf[isModern ? "modern" : "classic"];
  const said = (at: Millis, who: number, what: string) => ({ at, who: names.name(who), what });
  const lines = [
    ...failure.suspected.map(({ at, by }) => said(at, by, words.suspected)),
    ...failure.failed.map(({ at, by }) => said(at, by, words.failed)),
    ...failure.reports.map(({ at, seed, reporter, reports, required, ignored }) =>
      said(
        at,
        seed,
        ignored === undefined
          ? `has the report of ${names.name(reporter)}: ${reports} of ${required}`
          : `ignores the report of ${names.name(reporter)}: ${ignored}`,
      ),
    ),
    ...failure.removed.map(({ at, by }) => said(at, by, words.removed)),
  ]
    .filter(({ at }) => at <= cursor)
    .sort((a, b) => a.at - b.at);
  if (lines.length === 0) return <>Nobody has noticed yet.</>;
  return (
    <ol className={classes["witnesses"]}>
      {lines.map(({ at, who, what }) => (
        <li key={`${at} ${who} ${what}`}>
          <span className={classes["after"]}>+{formatTime(at - failure.at)}</span> {who} {what}
        </li>
      ))}
    </ol>
  );
}

function meanText(ms: number | undefined): string {
  return ms === undefined ? "–" : formatTime(ms);
}

function firstOf(ms: readonly number[]): string {
  return ms.length === 0 ? "–" : formatTime(ms[0]!);
}

function reportsOf({ reporters, required, ignored }: FailureRow): string {
  const counted = reporters === 0 ? "–" : `${reporters} (${required} needed)`;
  return ignored === 0 ? counted : `${counted}, ${ignored} ignored`;
}

function removalsOf({ failure, removedMs }: FailureRow): string {
  const seeds = `${removedMs.length} of ${failure.seeds.length}`;
  if (removedMs.length === 0) return failure.seeds.length === 0 ? "–" : `${seeds}`;
  const [first, last] = [formatTime(removedMs[0]!), formatTime(removedMs.at(-1)!)];
  return first === last ? `${first} (${seeds})` : `${first} – ${last} (${seeds})`;
}
