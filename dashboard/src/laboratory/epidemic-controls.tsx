/** The rules of an epidemic, to choose. */
import { Slider, Text } from "@mantine/core";
import { formatNumber } from "../drawing/quantities.ts";
import { type EpidemicLab, epidemicOf, epidemicSpecs } from "./lab-address.ts";
import { nodesAt, placeOf } from "./node-scale.ts";
import { SpecField } from "./spec-field.tsx";

const labels: Partial<Record<keyof typeof epidemicSpecs, string>> = {
  mode: "who calls",
  fanout: "calls at a time (fanout)",
  stop: "a spreader stops",
  stopAfter: "k of coin and counter",
  hasFeedback: "only useless calls count",
  engine: "time",
  loss: "share of messages lost",
  seed: "seed of chance",
};

const marks = [2, 3, 4, 5, 6].map((power) => ({ value: 100 * power, label: `10${"²³⁴⁵⁶"[power - 2]}` }));

type Value = number | string | boolean;

interface EpidemicControlsProps {
  readonly lab: EpidemicLab;
  readonly onChange: (lab: EpidemicLab) => void;
}

export function EpidemicControls({ lab, onChange }: EpidemicControlsProps) {
  const values: Record<string, Value> = {
    ...lab.rumor,
    nodes: lab.nodes,
    engine: lab.engine,
    loss: lab.loss,
    seed: lab.seed,
  };
  const isEndless = (lab.rumor.stop ?? "never") === "never";
  const isShown = (name: string) => {
    if (name === "nodes") return false;
    if (name === "stopAfter" || name === "hasFeedback") return !isEndless;
    return name !== "loss" || lab.engine === "events";
  };
  const put = (name: string, value: Value) => {
    const next = { ...values, [name]: value };
    // Rounds lose nothing.
    if (next["engine"] !== "events") next["loss"] = 0;
    onChange(epidemicOf(next));
  };
  return (
    <>
      <div style={{ padding: "0 6px 18px" }}>
        <Text size="xs" fw={500} mb={4}>
          nodes: {formatNumber(lab.nodes)}
        </Text>
        <Slider
          key={lab.nodes}
          size="sm"
          min={200}
          max={600}
          step={5}
          marks={marks}
          label={(place) => formatNumber(nodesAt(place))}
          defaultValue={placeOf(lab.nodes)}
          onChangeEnd={(place) => put("nodes", nodesAt(place))}
          thumbLabel="Nodes"
        />
      </div>
      {Object.entries(epidemicSpecs).map(
        ([name, spec]) =>
          isShown(name) && (
            <SpecField
              key={name}
              name={name}
              label={labels[name as keyof typeof epidemicSpecs] ?? name}
              spec={spec}
              value={values[name] ?? spec.default}
              onChange={(value) => put(name, value)}
            />
          ),
      )}
    </>
  );
}
