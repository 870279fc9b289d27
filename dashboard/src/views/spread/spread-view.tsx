import { Button, SegmentedControl } from "@mantine/core";
import { useMemo, useState } from "react";
import { Link, useParams } from "wouter";
import { type BookedMessage, statesAt } from "../../../../src/trace/message-book.ts";
import { doubledLinks } from "../../../../src/trace/spread.ts";
import { useAct, useWhyNot } from "../../app/hands.tsx";
import { anyPeer, publisherOf } from "../../app/hands-rules.ts";
import { decodedPart } from "../../app/hash-address.ts";
import { sinceText } from "../../app/time-text.ts";
import { Chart } from "../../drawing/chart.tsx";
import { Figure } from "../../drawing/figure.tsx";
import { palette } from "../../drawing/palette.ts";
import { formatNumber, formatTime } from "../../drawing/quantities.ts";
import type { Timeline } from "../../timeline/timeline.ts";
import { useLiveTimeline } from "../../timeline/use-timeline.ts";
import { MessageChooser } from "./message-chooser.tsx";
import { originName } from "./message-list.ts";
import { ReceiptTreeDrawing } from "./receipt-tree.tsx";
import classes from "./spread.module.css";
import { useSpread } from "./use-spread.ts";

export function SpreadView() {
  const timeline = useLiveTimeline(4);
  const key = useParams()["*"];
  const chosen = key === undefined || key === "" ? undefined : decodedPart(key);
  const message = chosen === undefined ? timeline.messages.latest : timeline.messages.get(chosen);
  if (timeline.messages.size === 0)
    return (
      <div className={classes["view"]}>
        <NoMessage timeline={timeline} />
      </div>
    );
  return (
    <div className={classes["view"]}>
      <MessageChooser timeline={timeline} chosen={message?.key} />
      {message === undefined ? (
        <div className={classes["empty"]} style={{ gridColumn: "auto" }}>
          <p className={classes["muted"]}>
            This message is not kept: it is too old, or it was not followed. Choose one from the list.
          </p>
        </div>
      ) : (
        <MessageSpread timeline={timeline} message={message} />
      )}
    </div>
  );
}

function NoMessage({ timeline }: { timeline: Timeline }) {
  const act = useAct();
  const why = useWhyNot()("publish");
  const publish = () => {
    const from = publisherOf(timeline.latest, anyPeer, Math.random());
    if (from !== undefined) void act({ do: "publish", from, text: "hello" }, `${from} publishes “hello”`);
  };
  const isConnecting = timeline.state.type === "connecting";
  const earlier = timeline.totals.at(-1)?.published ?? 0;
  const none =
    earlier === 0
      ? "No message yet"
      : `None of the ${earlier.toLocaleString("en")} messages so far is kept here`;
  return (
    <div className={classes["empty"]}>
      <p className={classes["muted"]}>
        {isConnecting
          ? "Waiting for the network."
          : why === undefined
            ? `${none}. Publish one:`
            : `${none}, and none can be published here: ${why}.`}
      </p>
      {!isConnecting && why === undefined && (
        <Button size="xs" onClick={publish}>
          Publish “hello”
        </Button>
      )}
    </div>
  );
}

function MessageSpread({ timeline, message }: { timeline: Timeline; message: BookedMessage }) {
  const [form, setForm] = useState("lines");
  const { register, latest, cursor, startedAt } = timeline;
  const spread = useSpread(timeline, message);
  const { figures, model, series, timeTo, verdict } = spread;
  const nameOf = (row: number) => originName(latest, register, row);
  const origin = nameOf(message.origin);
  const isStacked = form === "stacked";
  const lines = useMemo(() => seriesOf(series, model, isStacked), [series, model, isStacked]);
  const afterMs = cursor - message.publishedAt;
  const states = statesAt(message, cursor, register.all.length);
  const time = (ms: number | undefined) => (ms === undefined ? "–" : formatTime(ms));
  const missing = figures.nodes - figures.reached - figures.gone;
  const all = missing === 0 ? figures.lastMs : undefined;
  return (
    <section className={classes["body"]} aria-label="Spread of the message">
      <header className={classes["head"]}>
        <h2 className={classes["title"]}>{message.text ?? "Bytes"}</h2>
        <span className={classes["muted"]}>
          from <Link href={`/network?node=${encodeURIComponent(origin)}`}>{origin}</Link>,{" "}
          {sinceText(message.publishedAt - startedAt)}
          {afterMs < 0 ? " (after the moment that is shown)" : ""}
          {spread.isWhole
            ? ""
            : "; incomplete: the network of its time is no longer kept, the peers are those of today"}
        </span>
      </header>
      <div className={classes["figures"]}>
        <Figure
          label="Reached"
          value={`${figures.reached} of ${figures.nodes}`}
          unit="peers"
          hint={reachedHint(figures.gone, figures.late, missing)}
        />
        <Figure label="To 50 %" value={time(timeTo(0.5))} />
        <Figure label="To 99 %" value={time(timeTo(0.99))} />
        <Figure label="To all" value={time(all)} hint={missing > 0 ? `${missing} lack it` : ""} />
        <Figure
          label="Copies sent"
          value={formatNumber(figures.copies)}
          hint={copiesHint(figures, message.receivers.length)}
        />
        <Figure
          label="RMR"
          value={figures.rmr === undefined ? "–" : figures.rmr.toFixed(2)}
          hint="copies / receipts − 1"
        />
        <Figure label="LDH" value={figures.ldh ?? "–"} unit="hops" hint="longest way" />
      </div>
      <div className={classes["verdictRow"]}>
        <div
          className={classes["verdict"]}
          data-agrees={verdict === undefined ? undefined : verdict.agrees}
          aria-live="polite"
        >
          {model.type === "none" ? (
            <p className={classes["verdictText"]}>No model: {model.why}</p>
          ) : (
            <>
              <p className={classes["verdictText"]}>{verdict?.text ?? "Nothing to compare yet"}</p>
              <p className={classes["muted"]}>
                Model: {model.name}
                {model.leavesOut.length > 0 ? `; ${model.leavesOut.join("; ")}` : ""}
              </p>
            </>
          )}
        </div>
        <SegmentedControl
          size="xs"
          aria-label="How the chart is drawn"
          value={form}
          onChange={setForm}
          data={[
            { value: "lines", label: "Lines, with theory" },
            { value: "stacked", label: "Stacked" },
          ]}
        />
      </div>
      <div className={classes["charts"]}>
        <div className={classes["wide"]}>
          <Chart
            title="Susceptible, infected, removed"
            unit="peers"
            x={series.x}
            series={lines}
            stacked={isStacked}
            height={210}
            cursorAt={afterMs}
            xLabel="After the publication"
            onPick={(ms) => timeline.seek(message.publishedAt + ms)}
            summary={`${figures.reached} of ${figures.nodes} peers reached; 50 % after ${time(timeTo(0.5))}, 99 % after ${time(timeTo(0.99))}, the last after ${time(figures.lastMs)}. ${verdict?.text ?? ""}`}
          />
        </div>
        <HopsChart hops={figures.hops} model={model.type === "model" ? model.hops : undefined} />
      </div>
      <ReceiptTreeDrawing message={message} stamp={spread.stamp} nameOf={nameOf} states={states} />
      <DoubledLinks message={message} stamp={spread.stamp} nameOf={nameOf} />
    </section>
  );
}

function reachedHint(gone: number, late: number, missing: number): string {
  const parts = [
    ...(gone > 0 ? [`${gone} ended before`] : []),
    ...(late > 0 ? [`${late} more joined later`] : []),
  ];
  return parts.length === 0 && missing === 0 ? "everybody" : parts.join(", ");
}

/** What a history sends names no message: such copies are counted in nobody's figures. */
function copiesHint({ copies, duplicates }: Spread["figures"], receipts: number): string {
  if (copies < receipts) return `${formatNumber(receipts - copies)} more came from histories`;
  return `${formatNumber(duplicates)} more than needed`;
}

type Spread = ReturnType<typeof useSpread>;

function seriesOf(series: Spread["series"], model: Spread["model"], isStacked: boolean) {
  const { susceptible, infected, removed } = palette;
  const states = [
    { label: "Removed", values: series.removed, color: removed, shape: "steps" as const, dash: [2, 2] },
    { label: "Infected", values: series.infected, color: infected, shape: "steps" as const, width: 2 },
    {
      label: "Susceptible",
      values: series.susceptible,
      color: susceptible,
      shape: "steps" as const,
      width: 2,
    },
  ];
  if (isStacked) return states.map(({ dash: _, ...state }) => state);
  return [
    ...states,
    ...(series.model === undefined
      ? []
      : [
          {
            label: "Susceptible by the model",
            values: series.model,
            color: palette.theory,
            dash: [6, 4],
            width: 2,
            ...(model.type === "model" && model.curve.isStepped ? { shape: "steps" as const } : {}),
          },
        ]),
    ...(series.closedForm === undefined || model.type !== "model"
      ? []
      : [
          {
            label: `Closed form: ${model.closedForm?.name ?? ""}`,
            values: series.closedForm,
            color: palette.theory,
            dash: [1, 3],
            width: 1,
          },
        ]),
  ];
}

function HopsChart({ hops, model }: { hops: readonly number[]; model: readonly number[] | undefined }) {
  const { x, series } = useMemo(() => {
    const count = Math.max(hops.length, model?.length ?? 0);
    const x = Array.from({ length: count }, (_, hop) => hop);
    const measured = { label: "Measured", values: x.map((hop) => hops[hop] ?? 0), color: palette.measured };
    const modelled = {
      label: "Model",
      values: x.map((hop) => model?.[hop] ?? 0),
      color: palette.theory,
      shape: "points" as const,
    };
    return { x, series: model === undefined ? [measured] : [measured, modelled] };
  }, [hops, model]);
  return (
    <div className={classes["wide"]}>
      <Chart
        title="Hops from the origin"
        unit="peers"
        x={x}
        xUnit="hops"
        series={series}
        bars
        height={210}
        xLabel="Links of the way"
        summary={`Peers by hops: ${hops.map((count, hop) => `${hop}: ${count}`).join(", ")}`}
      />
    </div>
  );
}

/** Of more, the first ones are shown. */
const maxRows = 200;

function DoubledLinks({
  message,
  stamp,
  nameOf,
}: {
  message: BookedMessage;
  stamp: string;
  nameOf: (row: number) => string;
}) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the message is written on in place; its stamp says so.
  const links = useMemo(() => doubledLinks(message), [message, stamp]);
  return (
    <section aria-label="Links that carried it twice">
      <div className={classes["sectionHead"]}>
        <h3 className={classes["sectionTitle"]}>Links that carried it twice</h3>
        <span className={classes["muted"]}>
          {links.length === 0
            ? "none"
            : `${links.length.toLocaleString("en")}${links.length > maxRows ? `, the first ${maxRows} shown` : ""}`}
        </span>
      </div>
      {links.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
        <section className={classes["tableScroll"]} tabIndex={0} aria-label="Links, scrollable">
          <table className={classes["table"]}>
            <thead>
              <tr>
                <th scope="col">Link</th>
                <th scope="col" className={classes["number"]}>
                  Copies
                </th>
                <th scope="col" className={classes["number"]}>
                  First
                </th>
                <th scope="col" className={classes["number"]}>
                  Second
                </th>
                <th scope="col">How</th>
              </tr>
            </thead>
            <tbody>
              {links.slice(0, maxRows).map(({ a, b, copies, firstMs, secondMs, isCrossing }) => (
                <tr key={`${a}-${b}`}>
                  <td>
                    {nameOf(a)} – {nameOf(b)}
                  </td>
                  <td className={classes["number"]}>{copies}</td>
                  <td className={classes["number"]}>{formatTime(firstMs)}</td>
                  <td className={classes["number"]}>{formatTime(secondMs)}</td>
                  <td>{isCrossing ? "once in each direction" : "twice in one direction"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}
