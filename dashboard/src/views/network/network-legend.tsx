/** What the forms mean, with how many there are of each. */
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import { type Form, formOf, lives, shapes, spreads } from "../../drawing/graph-forms.ts";
import { drawNode } from "../../drawing/graph-sprites.ts";
import { darkTheme, lightTheme } from "../../drawing/graph-theme.ts";
import { cells } from "./appearance.ts";
import classes from "./network.module.css";
import type { NetworkCounts } from "./network-counts.ts";

const plain = { shape: shapes.circle, spread: spreads.none, life: lives.alive, isSuspected: false };

interface Entry {
  readonly name: string;
  readonly count: keyof NetworkCounts;
  readonly form: Form;
  /** In the grid, which has no forms. */
  readonly cell: number;
  /** Only with a message. */
  readonly isOfMessage?: boolean;
  /** Left out while there is none. */
  readonly isRare?: boolean;
}

const entries: readonly Entry[] = [
  { name: "peers", count: "peers", form: formOf(plain), cell: 0 },
  { name: "seeds", count: "seeds", form: formOf({ ...plain, shape: shapes.square }), cell: 7 },
  {
    name: "susceptible",
    count: "susceptible",
    form: formOf({ ...plain, spread: spreads.susceptible }),
    cell: 1,
    isOfMessage: true,
  },
  {
    name: "infected",
    count: "infected",
    form: formOf({ ...plain, spread: spreads.infected }),
    cell: 2,
    isOfMessage: true,
  },
  {
    name: "removed",
    count: "removed",
    form: formOf({ ...plain, spread: spreads.removed }),
    cell: 3,
    isOfMessage: true,
  },
  {
    name: "suspected",
    count: "suspected",
    form: formOf({ ...plain, isSuspected: true }),
    cell: 4,
    isRare: true,
  },
  { name: "paused", count: "paused", form: formOf({ ...plain, life: lives.paused }), cell: 6, isRare: true },
  { name: "dead", count: "dead", form: formOf({ ...plain, life: lives.dead }), cell: 5, isRare: true },
];

export function NetworkLegend(props: {
  readonly counts: NetworkCounts;
  readonly hasMessage: boolean;
  readonly isGrid: boolean;
}) {
  const { counts, hasMessage, isGrid } = props;
  return (
    <ul className={classes["legend"]} aria-label="Legend, with how many there are of each">
      {entries
        .filter(({ isOfMessage }) => isOfMessage !== true || hasMessage)
        .filter(({ isRare, count }) => isRare !== true || counts[count] > 0)
        .map(({ name, count, form, cell }) => (
          <li key={name}>
            {isGrid ? (
              <span className={classes["cell"]} style={{ background: cells[cell]!.color }} />
            ) : (
              <Sign form={form} />
            )}
            <strong>{counts[count].toLocaleString("en")}</strong> {name}
          </li>
        ))}
      <li>
        <strong>{counts.links.toLocaleString("en")}</strong> links
      </li>
    </ul>
  );
}

const signPx = 20;

/** A node as the graph draws it. */
function Sign({ form }: { readonly form: Form }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useComputedColorScheme("dark") === "dark" ? darkTheme : lightTheme;
  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const ratio = 2;
    context.setTransform(ratio, 0, 0, ratio, signPx, signPx);
    context.clearRect(-signPx / 2, -signPx / 2, signPx, signPx);
    drawNode(context, form, 5.5, theme);
  }, [form, theme]);
  return (
    <canvas
      ref={canvas}
      aria-hidden
      width={signPx * 2}
      height={signPx * 2}
      style={{ width: signPx, height: signPx }}
    />
  );
}
