/** The line from the first kept moment to the latest, with marks of what happened: dragging it goes there. */
import { useComputedColorScheme } from "@mantine/core";
import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";
import { palette } from "../drawing/palette.ts";
import type { NotableKind } from "../timeline/notable-events.ts";
import { useLiveTimeline } from "../timeline/use-timeline.ts";
import classes from "./scrubber.module.css";
import { marksOf, momentAt, placeOf, type ScrubberMark } from "./scrubber-marks.ts";
import { sinceText } from "./time-text.ts";

const height = 40;
const middle = 20;
const names: Record<NotableKind, string> = {
  published: "published",
  death: "crashed or hung",
  disturbance: "partition, cut, heal, links changed",
  join: "joined",
};

export function Scrubber() {
  const timeline = useLiveTimeline(15);
  const scheme = useComputedColorScheme("dark");
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [pointed, setPointed] = useState<number>();
  const { first, head, cursor, startedAt, notable } = timeline;
  const range = { first, head, width };

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);

  // Drawn with every drawing of the component: a few hundred marks.
  useEffect(() => {
    const target = canvas.current;
    const context = target?.getContext("2d");
    if (target === null || context === null || context === undefined || width === 0) return;
    const scale = devicePixelRatio;
    target.width = width * scale;
    target.height = height * scale;
    context.scale(scale, scale);
    const isDark = scheme === "dark";
    context.fillStyle = isDark ? "#3b3f45" : "#ced4da";
    context.fillRect(0, middle - 2, width, 4);
    context.fillStyle = isDark ? "#868e96" : "#868e96";
    context.fillRect(0, middle - 2, placeOf(cursor, { first, head, width }), 4);
    for (const mark of marksOf(notable, { first, head, width })) drawMark(context, mark);
    const x = placeOf(cursor, { first, head, width });
    context.fillStyle = isDark ? "#f8f9fa" : "#212529";
    context.fillRect(Math.min(width - 2, Math.max(0, x - 1)), 4, 2, height - 8);
  });

  const momentOf = (event: PointerEvent) =>
    momentAt(event.clientX - box.current!.getBoundingClientRect().left, range);
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    timeline.seek(momentOf(event));
  };
  const onPointerMove = (event: PointerEvent) => {
    setPointed(momentOf(event));
    if (event.buttons === 1) timeline.seek(momentOf(event));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, () => void> = {
      ArrowLeft: () => timeline.step(-1),
      ArrowRight: () => timeline.step(1),
      PageUp: () => timeline.seek(cursor + (head - first) / 20),
      PageDown: () => timeline.seek(cursor - (head - first) / 20),
      Home: () => timeline.seek(first),
      End: () => timeline.seek(head),
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    move();
  };
  const near =
    pointed === undefined ? undefined : marksNear(marksOf(notable, range), placeOf(pointed, range));
  return (
    <div
      ref={box}
      className={classes["scrubber"]}
      role="slider"
      tabIndex={0}
      aria-label="Moment that is shown"
      aria-valuemin={0}
      aria-valuemax={Math.round(head - first)}
      aria-valuenow={Math.round(cursor - first)}
      aria-valuetext={sinceText(cursor - startedAt)}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerLeave={() => setPointed(undefined)}
      onKeyDown={onKeyDown}
    >
      <canvas ref={canvas} className={classes["canvas"]} aria-hidden />
      {pointed !== undefined && (
        <div
          className={classes["hint"]}
          style={{ left: Math.max(60, Math.min(width - 60, placeOf(pointed, range))) }}
          aria-hidden
        >
          {sinceText(pointed - startedAt)}
          {near?.map(({ kind, count }) => (
            <span key={kind}>{` · ${count} ${names[kind]}`}</span>
          ))}
        </div>
      )}
    </div>
  );
}

/** Each kind has its form, so that nobody needs the colors. */
function drawMark(context: CanvasRenderingContext2D, { x, kind }: ScrubberMark): void {
  context.beginPath();
  switch (kind) {
    case "join":
      context.strokeStyle = palette.removed;
      context.lineWidth = 1.5;
      context.moveTo(x, middle + 4);
      context.lineTo(x, middle + 10);
      context.stroke();
      return;
    case "published":
      context.fillStyle = palette.infected;
      context.arc(x, middle - 8, 2.5, 0, 2 * Math.PI);
      context.fill();
      return;
    case "disturbance":
      context.fillStyle = palette.suspected;
      context.moveTo(x, middle + 5);
      context.lineTo(x + 4.5, middle + 13);
      context.lineTo(x - 4.5, middle + 13);
      context.fill();
      return;
    case "death":
      context.strokeStyle = palette.dead;
      context.lineWidth = 2;
      context.moveTo(x - 4, middle - 12);
      context.lineTo(x + 4, middle - 4);
      context.moveTo(x + 4, middle - 12);
      context.lineTo(x - 4, middle - 4);
      context.stroke();
  }
}

/** One for each kind that has marks so near. */
function marksNear(marks: readonly ScrubberMark[], x: number) {
  const counts = new Map<NotableKind, number>();
  for (const mark of marks)
    if (Math.abs(mark.x - x) <= 4) counts.set(mark.kind, (counts.get(mark.kind) ?? 0) + mark.count);
  return [...counts].map(([kind, count]) => ({ kind, count }));
}
