/** The same message in both runs: who has not got it, who spreads it, who has stopped. */
import { NativeSelect } from "@mantine/core";
import { Chart } from "../drawing/chart.tsx";
import { palette } from "../drawing/palette.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { comparedSpread } from "./compared-spread.ts";
import classes from "./laboratory.module.css";

interface ComparedMessageProps {
  readonly base: Timeline;
  readonly fork: Timeline;
  readonly keys: readonly { readonly value: string; readonly label: string }[];
  readonly chosen: string | undefined;
  readonly onChoose: (key: string) => void;
}

/** Longer lists are of messages that nobody looks for by name. */
const maxKeys = 100;

export function ComparedMessage({ base, fork, keys, chosen, onChoose }: ComparedMessageProps) {
  const message = (timeline: Timeline) => (chosen === undefined ? undefined : timeline.messages.get(chosen));
  const { x, a, b } = comparedSpread(
    { message: message(base), picture: base.picture },
    { message: message(fork), picture: fork.picture },
  );
  const states = ["susceptible", "infected", "removed"] as const;
  const lines = (name: string, curves: typeof a, dash?: readonly number[]) =>
    curves === undefined
      ? []
      : states.map((state) => ({
          label: `${name} ${state}`,
          values: curves[state],
          color: palette[state],
          ...(dash === undefined ? {} : { dash }),
        }));
  return (
    <div>
      <NativeSelect
        size="xs"
        aria-label="Message"
        data={keys.length === 0 ? [{ value: "", label: "No message yet" }] : keys.slice(0, maxKeys)}
        value={chosen ?? ""}
        onChange={(event) => onChoose(event.currentTarget.value)}
      />
      <Chart
        title="The same message in both runs"
        unit="%"
        x={x}
        height={200}
        empty="No message yet. Publish one, or wait."
        summary={`A ${endText(a?.susceptible)}, B ${b === undefined ? "does not have this message" : endText(b.susceptible)}`}
        series={[...lines("A", a), ...lines("B", b, [6, 4])]}
      />
      {chosen !== undefined && b === undefined && (
        <p className={classes["muted"]}>B does not have this message.</p>
      )}
    </div>
  );
}

function endText(susceptible: readonly (number | null)[] | undefined): string {
  const left = susceptible?.findLast((value) => value !== null);
  return left === undefined || left === null ? "nothing yet" : `${(100 - left).toFixed(1)} % have it`;
}
