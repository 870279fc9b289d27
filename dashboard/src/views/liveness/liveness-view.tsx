/** Who failed, who noticed and how soon, who was wronged, and whether the seeds agree: at the cursor. */
import { useMemo } from "react";
import type { WrongSuspicion } from "../../../../src/trace/liveness.ts";
import { Figure } from "../../drawing/figure.tsx";
import { palette } from "../../drawing/palette.ts";
import panel from "../../drawing/panel.module.css";
import { formatTime } from "../../drawing/quantities.ts";
import table from "../../drawing/table.module.css";
import { profileIn } from "../../sources/trace-about.ts";
import { useLiveTimeline } from "../../timeline/use-timeline.ts";
import { isThere } from "../network/appearance.ts";
import { type DetectionRanges, detectionTheory, type Range } from "./detection-theory.ts";
import { FailuresTable, type Names } from "./failures-table.tsx";
import classes from "./liveness.module.css";
import {
  failuresAt,
  noticedAfter,
  percentilesOf,
  type SeedLists,
  seedLists,
  stagesOf,
  wrongAt,
} from "./liveness-figures.ts";
import { SeedListsTable } from "./seed-lists.tsx";
import { type Lane, StripPlot } from "./strip-plot.tsx";
import { WrongTable } from "./wrong-table.tsx";

const laneColors = { suspected: palette.suspected, failed: palette.dead, removed: palette.seed } as const;

export function LivenessView() {
  const timeline = useLiveTimeline(2);
  const { picture, liveness, cursor, startedAt, hello } = timeline;
  const options = hello?.about.options;
  const isModern = profileIn(options) === "modern";
  const members = [...picture.nodes.values()].filter(isThere).length;
  const hasConnections = hello?.world === "live" || hello?.about.links?.["kind"] !== "datagram";
  const theory = useMemo(
    () => detectionTheory({ options, members, hasConnections }),
    [options, members, hasConnections],
  );
  const ranges = theory.type === "theory" ? theory.ranges : undefined;
  const rows = failuresAt(liveness, cursor);
  const stages = stagesOf(rows, isModern ? "member" : "neighbor");
  const wrong = wrongAt(liveness, cursor);
  const fullViewMembers = Number(options?.["swim"]?.["fullViewMembers"]);
  const lists = seedLists(picture, isModern && members > fullViewMembers);
  const lanes: Lane[] = stages.map(({ key, name, first, all }) => ({
    ...{ key, name, first, all, color: laneColors[key] },
    range: ranges?.[key],
  }));
  const names: Names = {
    name: (row) => picture.nodes.get(row)?.name ?? picture.register.all[row]?.name ?? `row ${row}`,
    address: (row) => encodeURIComponent(names.name(row)),
  };
  const onSeek = (at: number) => timeline.seek(at);
  const given = percentilesOf(stages[1].first);
  const removed = percentilesOf(stages[2].all);
  const removals = wrong.filter(({ type }) => type === "peer-removed");
  const suspicions = wrong.filter(({ type }) => type !== "peer-removed");
  const late = ranges === undefined ? 0 : noticedAfter(rows, ranges.failed.to);
  const noticed = rows.filter(({ failedMs, removedMs }) => failedMs.length + removedMs.length > 0).length;

  return (
    <div className={classes["view"]}>
      <div className={`${panel["full"]} ${panel["figures"]}`}>
        <Figure label="Failures" value={rows.length} hint={rows.length === 0 ? "" : `${noticed} noticed`} />
        <Figure
          label="Given up, median"
          value={given === undefined ? "–" : formatTime(given.p50)}
          hint={rangeText(ranges?.failed)}
        />
        <Figure
          label="Removed by seeds, median"
          value={removed === undefined ? "–" : formatTime(removed.p50)}
          hint={rangeText(ranges?.removed)}
        />
        <Figure
          label="False suspicions"
          value={suspicions.length}
          hint={wrongText(suspicions, cursor, "of peers that lived")}
        />
        <Figure
          label="False removals"
          value={removals.length}
          hint={wrongText(removals, cursor, "of peers that lived")}
        />
        <Figure
          label="Lists of the seeds"
          value={listsText(lists)}
          hint={`${lists.seeds.filter(({ isAlive }) => isAlive).length} of ${lists.seeds.length} seeds live`}
        />
      </div>

      <section className={panel["panel"]}>
        <h2 className={panel["heading"]}>From failure to detection</h2>
        <StripPlot lanes={lanes} />
        <p className={panel["note"]}>
          Filled: the first of each failure. Hollow: everybody.{" "}
          {theory.type === "theory" ? theory.text : theory.why}{" "}
          {theory.type === "theory" && late > 0 && `${lateText(late)}: ${theory.late}`}
        </p>
      </section>
      <section className={panel["panel"]}>
        <h2 className={panel["heading"]}>Percentiles</h2>
        <Stages stages={stages} ranges={ranges} />
        <h2 className={panel["heading"]} style={{ marginTop: 12 }}>
          Taken for dead though alive
        </h2>
        {wrong.length === 0 ? (
          <p className={panel["note"]}>Nobody, so far.</p>
        ) : (
          <WrongTable {...{ wrong, names, startedAt, cursor, onSeek }} />
        )}
      </section>

      <section className={panel["full"]}>
        <h2 className={panel["heading"]}>Failures</h2>
        {rows.length === 0 ? (
          <p className={panel["note"]}>
            Nobody has failed yet.
            {(hello?.hands.includes("crash") ?? false) && " Choose a peer in the view Network and crash it."}
          </p>
        ) : (
          <div className={table["scroll"]}>
            <FailuresTable
              {...{ rows, names, startedAt, cursor, onSeek, isModern }}
              meanFirstMs={theory.type === "theory" ? theory.meanFirstMs : undefined}
            />
          </div>
        )}
        {liveness.forgotten.failures > 0 && (
          <p className={panel["note"]}>{liveness.forgotten.failures} earlier failures are no longer kept.</p>
        )}
      </section>

      <section className={panel["full"]}>
        <h2 className={panel["heading"]}>Lists of the seeds, side by side</h2>
        <SeedListsTable lists={lists} names={names} />
      </section>
    </div>
  );
}

function Stages({
  stages,
  ranges,
}: {
  stages: ReturnType<typeof stagesOf>;
  ranges: DetectionRanges | undefined;
}) {
  return (
    <div className={table["scroll"]}>
      <table className={table["table"]}>
        <thead>
          <tr>
            <th>Everybody who noticed</th>
            {["n", "p50", "p90", "p99", "max"].map((name) => (
              <th key={name} className={table["number"]}>
                {name}
              </th>
            ))}
            <th className={table["number"]}>Theory</th>
          </tr>
        </thead>
        <tbody>
          {stages.map(({ key, name, all }) => {
            const figures = percentilesOf(all);
            const range = ranges?.[key];
            return (
              <tr key={key}>
                <th scope="row">{name}</th>
                <td className={table["number"]}>{figures?.count ?? 0}</td>
                {(["p50", "p90", "p99", "max"] as const).map((share) => (
                  <td key={share} className={table["number"]}>
                    {figures === undefined ? "–" : formatTime(figures[share])}
                  </td>
                ))}
                <td className={table["number"]}>
                  {range === undefined ? "–" : `${formatTime(range.from)} – ${formatTime(range.to)}`}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function rangeText(range: Range | undefined): string {
  return range === undefined ? "" : `theory ${formatTime(range.from)} to ${formatTime(range.to)}`;
}

function wrongText(wrong: readonly WrongSuspicion[], cursor: number, none: string): string {
  if (wrong.length === 0) return none;
  const disturbed = wrong.filter(({ whileDisturbed }) => whileDisturbed).length;
  const cleared = wrong.filter(({ cleared }) => cleared !== undefined && cleared.at <= cursor).length;
  return `${disturbed} while cut off, ${cleared} taken back`;
}

function listsText({ seeds, areSamples, agree }: SeedLists): string {
  if (seeds.length === 0) return "–";
  return areSamples ? "samples" : agree ? "✓ agree" : "✕ differ";
}

function lateText(late: number): string {
  return `${late} ${late === 1 ? "was" : "were"} noticed later than that`;
}
