/** The tree of first receipts on a canvas: who got it first from whom, hop by hop. */
import { useComputedColorScheme } from "@mantine/core";
import { type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { type BookedMessage, infected, removed, susceptible } from "../../../../src/trace/message-book.ts";
import { receiptTree } from "../../../../src/trace/spread.ts";
import { chartColors } from "../../drawing/chart-colors.ts";
import { legibleOn } from "../../drawing/legible-color.ts";
import { palette } from "../../drawing/palette.ts";
import { formatTime } from "../../drawing/quantities.ts";
import classes from "./spread.module.css";
import { lineage, namePx, nodeAt, type TreeLayout, treeLayout } from "./tree-layout.ts";

export interface ReceiptTreeProps {
  readonly message: BookedMessage;
  /** Changes with everything that is new about the message. */
  readonly stamp: string;
  readonly nameOf: (row: number) => string;
  /** Where each row stands at the moment that is shown. */
  readonly states: Uint8Array;
}

export function ReceiptTreeDrawing({ message, stamp, nameOf, states }: ReceiptTreeProps) {
  const scheme = useComputedColorScheme("dark");
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [pointed, setPointed] = useState(-1);
  const [, navigate] = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the message is written on in place; its stamp says so.
  const tree = useMemo(() => receiptTree(message), [message, stamp]);
  const layout = useMemo(() => treeLayout(tree, width), [tree, width]);
  const shown = pointed < layout.nodes.length ? pointed : -1;

  useEffect(() => {
    const element = canvas.current;
    if (element?.parentElement == null) return;
    const resizes = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    resizes.observe(element.parentElement);
    return () => resizes.disconnect();
  }, []);
  useEffect(() => {
    if (canvas.current !== null && width > 0)
      drawTree(canvas.current, { layout, width, shown, nameOf, states, scheme });
  });

  const point = (event: PointerEvent<HTMLCanvasElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    setPointed(nodeAt(layout, event.clientX - box.left, event.clientY - box.top));
  };
  const counts = layout.bands.map(({ hop, count }) => `hop ${hop}: ${count}`).join(", ");
  const node = layout.nodes[shown];
  const sender = node === undefined || node.parent < 0 ? undefined : layout.nodes[node.parent];
  const rest = tree.wayUnknown.length;
  return (
    <section aria-label="Tree of first receipts">
      <div className={classes["sectionHead"]}>
        <h3 className={classes["sectionTitle"]}>Tree of first receipts</h3>
        <span className={classes["muted"]} aria-live="polite">
          {node === undefined
            ? `by hops from the origin${rest > 0 ? `; ${rest} more came over ways that the trace does not tell` : ""}`
            : [
                nameOf(node.row),
                node.hop === 0 ? "origin" : `hop ${node.hop}, ${formatTime(node.receivedMs)}`,
                ...(sender === undefined ? [] : [`from ${nameOf(sender.row)}`]),
                ...(node.below > 0 ? [`${node.below} got it through this one`] : []),
              ].join(" · ")}
        </span>
      </div>
      <div className={classes["tree"]}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`First receipts by hops: ${counts}`}
          style={{ width: "100%", height: layout.height, cursor: shown < 0 ? "default" : "pointer" }}
          onPointerMove={point}
          onPointerLeave={() => setPointed(-1)}
          onClick={() => {
            if (node !== undefined) navigate(`/network?node=${encodeURIComponent(nameOf(node.row))}`);
          }}
        />
      </div>
    </section>
  );
}

interface TreeDrawing extends Pick<ReceiptTreeProps, "nameOf" | "states"> {
  readonly layout: TreeLayout;
  readonly width: number;
  readonly shown: number;
  readonly scheme: "light" | "dark";
}

function drawTree(canvas: HTMLCanvasElement, { layout, width, shown, nameOf, states, scheme }: TreeDrawing) {
  const { nodes, bands, radius, height } = layout;
  const ratio = devicePixelRatio;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  if (context === null) return;
  const colors = chartColors[scheme];
  const ink = (color: string) => legibleOn(color, colors.background);
  context.scale(ratio, ratio);
  context.clearRect(0, 0, width, height);
  const line = shown < 0 ? undefined : lineage(layout, shown);

  context.font = "11px system-ui, sans-serif";
  context.fillStyle = colors.text;
  context.textBaseline = "middle";
  for (const { hop, count, top } of bands) {
    context.fillText(hop === 0 ? "origin" : `hop ${hop}`, 0, top + 6);
    if (hop > 0) context.fillText(`${count}`, 0, top + 19);
  }

  const link = (index: number) => {
    const { x, y, parent } = nodes[index]!;
    const from = nodes[parent];
    if (from === undefined) return;
    // Below the name of who sends.
    const fromY = from.y + radius + (bands[from.hop]!.nameWidth > 0 ? namePx : 0);
    const toY = y - radius;
    const middle = (fromY + toY) / 2;
    context.moveTo(from.x, fromY);
    context.bezierCurveTo(from.x, middle, x, middle, x, toY);
  };
  context.strokeStyle = colors.text;
  context.lineWidth = nodes.length > 300 ? 0.5 : 1;
  context.globalAlpha = line === undefined ? (nodes.length > 300 ? 0.22 : 0.4) : 0.12;
  context.beginPath();
  for (let i = 0; i < nodes.length; i++) if (line?.has(i) !== true) link(i);
  context.stroke();
  context.globalAlpha = 1;
  if (line !== undefined) {
    context.strokeStyle = ink(palette.theory);
    context.lineWidth = 1.5;
    context.beginPath();
    for (const i of line) link(i);
    context.stroke();
  }

  nodes.forEach(({ x, y, row }, i) => {
    context.globalAlpha = line === undefined || line.has(i) ? 1 : 0.35;
    drawState(context, {
      x,
      y,
      radius,
      state: states[row] ?? susceptible,
      background: colors.background,
      ink,
    });
    if (i === shown) {
      context.strokeStyle = colors.cursor;
      context.lineWidth = 1.5;
      context.beginPath();
      context.arc(x, y, radius + 3, 0, 2 * Math.PI);
      context.stroke();
    }
  });
  context.globalAlpha = 1;

  context.fillStyle = colors.text;
  context.textAlign = "center";
  context.textBaseline = "top";
  context.font = "10px system-ui, sans-serif";
  for (const { x, y, row, hop } of nodes) {
    const { nameWidth } = bands[hop]!;
    if (nameWidth > 0) context.fillText(fitted(context, nameOf(row), nameWidth), x, y + radius + 3);
  }
  context.textAlign = "left";
}

interface StateDrawing {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly state: number;
  readonly background: string;
  readonly ink: (color: string) => string;
}

/** The forms of the palette: hollow, filled with a halo, filled with a hole. */
function drawState(
  context: CanvasRenderingContext2D,
  { x, y, radius, state, background, ink }: StateDrawing,
): void {
  const circle = (size: number) => {
    context.beginPath();
    context.arc(x, y, size, 0, 2 * Math.PI);
  };
  if (state === infected) {
    context.fillStyle = ink(palette.infected);
    const alpha = context.globalAlpha;
    context.globalAlpha = alpha * 0.35;
    circle(radius + 2);
    context.fill();
    context.globalAlpha = alpha;
    circle(radius);
    context.fill();
  } else if (state === removed) {
    context.fillStyle = ink(palette.removed);
    circle(radius);
    context.fill();
    context.fillStyle = background;
    circle(Math.max(0.7, radius * 0.38));
    context.fill();
  } else {
    context.fillStyle = background;
    context.strokeStyle = ink(palette.susceptible);
    context.lineWidth = 1.25;
    circle(Math.max(1, radius - 0.5));
    context.fill();
    context.stroke();
  }
}

function fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let end = text.length - 1;
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end)}…`;
}
