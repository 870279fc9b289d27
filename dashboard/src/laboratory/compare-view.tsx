/** A simulated run and its fork, side by side on one clock: what one change does. */
import { Button, NativeSelect, useComputedColorScheme } from "@mantine/core";
import { IconGitFork } from "@tabler/icons-react";
import { type FormEvent, useEffect, useState } from "react";
import { Link, useSearchParams } from "wouter";
import type { ProfileName } from "../../../src/profiles/index.ts";
import { NodeGrid } from "../drawing/node-grid.tsx";
import { palette } from "../drawing/palette.ts";
import { formatTime } from "../drawing/quantities.ts";
import { profileIn } from "../sources/trace-about.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { useLiveTimeline, useTimeline } from "../timeline/use-timeline.ts";
import { ComparedMessage } from "./compared-message.tsx";
import { ComparisonTable } from "./comparison-table.tsx";
import { fieldName } from "./field-name.ts";
import { changeKinds, changeText } from "./fork-change.ts";
import { type Fork, forkOf, startFork } from "./fork-run.ts";
import { type Spec, tunableSpecs } from "./lab-address.ts";
import { foreignTo } from "./lab-profile.ts";
import classes from "./laboratory.module.css";
import { textOf } from "./network-run.ts";
import { SimulatedSource } from "./simulated-source.ts";
import { SpecField } from "./spec-field.tsx";
import { statesColumn } from "./states-column.ts";

export function CompareView() {
  const base = useLiveTimeline(4);
  const [params, setParams] = useSearchParams();
  const [wrong, setWrong] = useState<string>();
  const asked = { at: params.get("at"), change: params.get("change") };
  const at = asked.at === null ? Math.round(base.cursor) : Math.max(0, Number(asked.at) || 0);
  const fork = forkOf(base);
  const isReady = base.source instanceof SimulatedSource && base.hello !== undefined;

  const begin = (change: string) => {
    setWrong(undefined);
    startFork(base, at, change).catch((error) => setWrong(textOf(error)));
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: an address that asks for a fork begins it, once.
  useEffect(() => {
    if (isReady && asked.change !== null && fork === undefined) begin(asked.change);
  }, [isReady]);

  if (!(base.source instanceof SimulatedSource))
    return (
      <section className={classes["compare"]} aria-label="Compare">
        <div className={classes["scroll"]}>
          <p className={classes["rowText"]}>
            Only a simulated run can be run again with a change.{" "}
            <Link href="/laboratory/network">Start one in the laboratory</Link>.
          </p>
        </div>
      </section>
    );
  return (
    <section className={classes["compare"]} aria-label="Compare">
      <div className={classes["scroll"]}>
        <ForkForm
          at={at}
          asked={asked.change ?? ""}
          onStart={(change) => {
            setParams({ at: String(at), change }, { replace: true });
            begin(change);
          }}
        />
        {wrong !== undefined && (
          <p className={classes["wrong"]} role="alert">
            {wrong}
          </p>
        )}
        {fork === undefined ? (
          <p className={classes["muted"]}>
            The run is repeated up to that moment with all that was done by hand, event for event; from there
            it is changed. Move the time bar and press “Fork here” for another moment.
          </p>
        ) : (
          <Comparison base={base} fork={fork} />
        )}
      </div>
    </section>
  );
}

interface ForkFormProps {
  readonly at: number;
  /** The change that the address asks for, or "". */
  readonly asked: string;
  readonly onStart: (change: string) => void;
}

type Value = number | string | boolean;

const tunable = "tunable";

/** Where somebody begins to choose: how often one asks whether another lives. */
function usualTunable(profile: ProfileName): string {
  return profile === "modern" ? "swim.probeIntervalMs" : "heartbeat.pingIntervalMs";
}

/** The value that the address asks for, as what the field holds. */
function askedValue(asked: string): Readonly<Record<string, Value>> {
  const [key = "", text] = asked.split(/:(.*)/);
  const [section = "", name = ""] = key.split(".");
  const spec = changeKinds.find(({ kind }) => kind === key)?.value ?? tunableSpecs[section]?.[name];
  if (spec === undefined || text === undefined) return {};
  if (typeof spec.default === "number") return Number.isFinite(Number(text)) ? { [key]: Number(text) } : {};
  return { [key]: typeof spec.default === "boolean" ? text === "true" : text };
}

function ForkForm({ at, asked, onStart }: ForkFormProps) {
  const options = useTimeline().hello?.about.options;
  const profile = profileIn(options);
  const [askedKey = ""] = asked.split(":");
  const isTunableAsked = askedKey.includes(".");
  const isKind = changeKinds.some((one) => one.kind === askedKey);
  const [kind, setKind] = useState(isTunableAsked ? tunable : isKind ? askedKey : "loss");
  const [option, setOption] = useState(isTunableAsked ? askedKey : usualTunable(profile));
  const [values, setValues] = useState(() => askedValue(asked));
  const [section = "", name = ""] = option.split(".");
  const isTunable = kind === tunable;
  const key = isTunable ? option : kind;
  const spec: Spec | undefined = isTunable
    ? tunableSpecs[section]?.[name]
    : changeKinds.find((one) => one.kind === kind)?.value;
  const holds = options?.[section]?.[name] as Value | undefined;
  const value =
    spec === undefined ? undefined : (values[key] ?? (isTunable ? holds : undefined) ?? spec.default);
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    onStart(value === undefined ? key : `${key}:${value}`);
  };
  return (
    <form className={classes["actions"]} style={{ alignItems: "end" }} onSubmit={onSubmit}>
      <NativeSelect
        size="xs"
        label={isTunable ? "Change from the start" : `Change at ${formatTime(at)}`}
        value={kind}
        onChange={(event) => setKind(event.currentTarget.value)}
        data={[
          ...changeKinds.map(({ kind: one, label }) => ({ value: one, label })),
          { value: tunable, label: "another tunable, from the start" },
        ]}
      />
      {isTunable && (
        <NativeSelect
          size="xs"
          label="tunable"
          value={option}
          onChange={(event) => setOption(event.currentTarget.value)}
          data={Object.entries(tunableSpecs)
            .filter(([group]) => foreignTo(group, profile) === undefined)
            .map(([group, specs]) => ({
              group,
              items: Object.keys(specs).map((one) => ({ value: `${group}.${one}`, label: fieldName(one) })),
            }))}
        />
      )}
      {spec !== undefined && (
        <SpecField
          name={key}
          label="value"
          spec={spec}
          value={value!}
          onChange={(next) => setValues({ ...values, [key]: next })}
        />
      )}
      <Button type="submit" size="xs" leftSection={<IconGitFork size={14} />}>
        Run with this change
      </Button>
    </form>
  );
}

function Comparison({ base, fork }: { readonly base: Timeline; readonly fork: Fork }) {
  const [chosen, setChosen] = useState<string>();
  const { timeline, change, at } = fork;
  const isBehind = timeline.head < Math.min(base.cursor, base.head) - 500;
  const keys = [...base.messages.messages]
    .map(({ key, text }) => ({ value: key, label: text ?? key }))
    .reverse();
  const key = chosen ?? keys[0]?.value;
  return (
    <>
      {timeline.state.type === "ended" && (
        <p className={classes["wrong"]} role="alert">
          The fork has ended: {timeline.state.why}
        </p>
      )}
      <div className={classes["sides"]}>
        <Side name="A" title="as it was" timeline={base} messageKey={key} />
        <Side
          name="B"
          title={`${changeText(change)}${at > 0 ? `, at ${formatTime(at)}` : ""}${isBehind ? " (catching up)" : ""}`}
          timeline={timeline}
          messageKey={key}
        />
      </div>
      <div className={classes["sides"]} style={{ marginTop: 12 }}>
        <ComparedMessage base={base} fork={timeline} keys={keys} chosen={key} onChoose={setChosen} />
        <ComparisonTable base={base} fork={timeline} />
      </div>
    </>
  );
}

const background = { dark: "#3b4048", light: "#ced4da" } as const;

interface SideProps {
  readonly name: string;
  readonly title: string;
  readonly timeline: Timeline;
  readonly messageKey: string | undefined;
}

function Side({ name, title, timeline, messageKey }: SideProps) {
  const scheme = useComputedColorScheme("dark");
  const colors = [background[scheme], palette.infected, palette.removed, palette.dead, palette.paused];
  const message = messageKey === undefined ? undefined : timeline.messages.get(messageKey);
  const { states, counts } = statesColumn(timeline.picture, message, timeline.cursor);
  const legend = [
    ["has not got it", counts.susceptible, 0],
    ["spreads it", counts.infected, 1],
    ["has it", counts.removed, 2],
    ["dead", counts.dead, 3],
    ["hangs", counts.paused, 4],
  ] as const;
  const shown = legend.filter(([, count], i) => i < 3 || count > 0);
  const words = shown.map(([what, count]) => `${count} ${what}`).join(", ");
  return (
    <div className={classes["sideCard"]}>
      <h2 className={classes["heading"]} style={{ margin: "0 0 6px" }}>
        {name}: {title}
      </h2>
      <div className={classes["sideGrid"]}>
        <NodeGrid states={states} colors={colors} label={`Run ${name}: ${words}`} />
      </div>
      <div className={classes["legendRow"]}>
        {shown.map(([what, count, state]) => (
          <span key={what}>
            <span className={classes["swatch"]} style={{ background: colors[state] }} />
            {what} <strong>{count}</strong>
          </span>
        ))}
      </div>
    </div>
  );
}
