/** The graph on its canvases, with pointer, wheel and keys. */
import { ActionIcon, Tooltip, useComputedColorScheme } from "@mantine/core";
import { IconArrowsMaximize, IconMinus, IconPlus } from "@tabler/icons-react";
import { type KeyboardEvent, type Ref, useEffect, useImperativeHandle, useRef, useState } from "react";
import type { NetworkPicture, PicturedNode } from "../../../../src/trace/picture.ts";
import { darkTheme, lightTheme } from "../../drawing/graph-theme.ts";
import { compare } from "../../drawing/layout.ts";
import type { LayoutKind } from "../../drawing/layout-keeper.ts";
import { useTimeline } from "../../timeline/use-timeline.ts";
import { stateText } from "./appearance.ts";
import type { MessageChoice } from "./message-choice.ts";
import classes from "./network.module.css";
import { NetworkStage } from "./network-stage.ts";

export interface NetworkGraphProps {
  readonly choice: MessageChoice;
  readonly layout: LayoutKind;
  readonly selectedRow: number | undefined;
  readonly select: (node: PicturedNode | undefined) => void;
  /** What it shows, in words and figures. */
  readonly label: string;
  readonly ref?: Ref<{ arrangeAgain(): void }>;
}

/** Moving less than that is a click. */
const leastDragPx = 4;

interface Hovered {
  readonly node: PicturedNode;
  readonly degree: number;
  readonly x: number;
  readonly y: number;
}

export function NetworkGraph({ choice, layout, selectedRow, select, label, ref }: NetworkGraphProps) {
  const timeline = useTimeline();
  const isDark = useComputedColorScheme("dark") === "dark";
  const theme = isDark ? darkTheme : lightTheme;
  const holder = useRef<HTMLDivElement>(null);
  const linkCanvas = useRef<HTMLCanvasElement>(null);
  const nodeCanvas = useRef<HTMLCanvasElement>(null);
  const [stage, setStage] = useState<NetworkStage>();
  const [hovered, setHovered] = useState<Hovered>();
  const [walked, setWalked] = useState<PicturedNode>();

  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme does not need another stage.
  useEffect(() => {
    const canvases = { links: linkCanvas.current!, nodes: nodeCanvas.current! };
    const created = new NetworkStage(timeline, canvases, theme);
    setStage(created);
    return () => created.close();
  }, [timeline]);

  useEffect(() => {
    if (stage === undefined) return;
    const element = holder.current!;
    const setup = () =>
      stage.setup({ width: element.clientWidth, height: element.clientHeight }, devicePixelRatio, theme);
    setup();
    const observer = new ResizeObserver(setup);
    observer.observe(element);
    return () => observer.disconnect();
  }, [stage, theme]);

  useEffect(() => stage?.show(choice), [stage, choice]);
  useEffect(() => stage?.setLayout(layout), [stage, layout]);
  useEffect(() => {
    stage?.select(selectedRow);
    if (selectedRow !== undefined) stage?.lookAt(selectedRow);
  }, [stage, selectedRow]);
  useImperativeHandle(ref, () => ({ arrangeAgain: () => stage?.arrangeAgain() }), [stage]);

  usePointer(holder, stage, {
    onHover: (row, x, y) => {
      stage?.hover(row);
      const node = row === undefined ? undefined : timeline.picture.nodes.get(row);
      if (node === undefined || stage === undefined) return setHovered(undefined);
      setHovered({ node, degree: stage.scene.degrees[stage.scene.placeOf(node.row)] ?? 0, x, y });
    },
    onClick: (row) => select(row === undefined ? undefined : timeline.picture.nodes.get(row)),
  });

  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowRight: 1,
      ArrowUp: -1,
      ArrowLeft: -1,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      const next = neighborInList(timeline.picture, walked, step);
      setWalked(next);
      stage?.hover(next?.row);
    } else if (event.key === "Enter" && walked !== undefined) select(walked);
    else if (event.key === "Escape") select(undefined);
    else if (event.key === "+" || event.key === "=") stage?.zoom(1.3);
    else if (event.key === "-") stage?.zoom(1 / 1.3);
    else if (event.key === "0") stage?.fit();
    else return;
    event.preventDefault();
  };
  useZoomKeys(stage);

  const optionId = "network-graph-node";
  return (
    <div className={classes["graph"]}>
      <div
        ref={holder}
        className={classes["canvases"]}
        role="listbox"
        aria-label={`${label} Arrow keys go from node to node, Enter opens one.`}
        aria-activedescendant={walked === undefined ? undefined : optionId}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => {
          setWalked(undefined);
          stage?.hover(undefined);
        }}
      >
        <canvas ref={linkCanvas} aria-hidden />
        <canvas ref={nodeCanvas} aria-hidden />
        <div
          id={optionId}
          role="option"
          aria-selected={walked !== undefined && walked.row === selectedRow}
          tabIndex={-1}
          className={classes["spoken"]}
        >
          {walked === undefined ? "No node is chosen" : describe(walked)}
        </div>
      </div>
      <div className={classes["zoom"]}>
        <Tool label="Zoom in (+)" onClick={() => stage?.zoom(1.3)} icon={<IconPlus size={16} />} />
        <Tool label="Zoom out (−)" onClick={() => stage?.zoom(1 / 1.3)} icon={<IconMinus size={16} />} />
        <Tool label="Show all (0)" onClick={() => stage?.fit()} icon={<IconArrowsMaximize size={16} />} />
      </div>
      {hovered !== undefined && (
        <div
          className={classes["hover"]}
          style={{ left: hovered.x + 14, top: hovered.y + 14 }}
          data-side={hovered.x > (holder.current?.clientWidth ?? 0) - 220 ? "left" : "right"}
        >
          <strong>{hovered.node.name}</strong>
          <span>
            {hovered.node.role}, {links(hovered.degree)}
          </span>
          <span>{stateText(hovered.node)}</span>
        </div>
      )}
    </div>
  );
}

function Tool(props: {
  readonly label: string;
  readonly onClick: () => void;
  readonly icon: React.ReactNode;
}) {
  return (
    <Tooltip label={props.label} openDelay={300} position="left">
      <ActionIcon variant="default" size={28} aria-label={props.label} onClick={props.onClick}>
        {props.icon}
      </ActionIcon>
    </Tooltip>
  );
}

function links(count: number): string {
  return `${count} ${count === 1 ? "link" : "links"}`;
}

function describe(node: PicturedNode): string {
  return `${node.name}, ${node.role}, ${links(node.neighbors.size)}, ${stateText(node)}`;
}

function neighborInList(
  { nodes }: NetworkPicture,
  from: PicturedNode | undefined,
  step: number,
): PicturedNode | undefined {
  const all = [...nodes.values()].sort((a, b) => compare(a.name, b.name));
  if (all.length === 0) return undefined;
  if (from === undefined) return step > 0 ? all[0] : all.at(-1);
  const at = all.findIndex(({ row }) => row === from.row);
  return all[(at + step + all.length) % all.length];
}

function useZoomKeys(stage: NetworkStage | undefined): void {
  useEffect(() => {
    const onKeyDown = (event: globalThis.KeyboardEvent) => {
      const isElsewhere = event.target instanceof Element && event.target.closest("input, textarea, [role]");
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isElsewhere) return;
      if (event.key === "+" || event.key === "=") stage?.zoom(1.3);
      else if (event.key === "-") stage?.zoom(1 / 1.3);
      else if (event.key === "0") stage?.fit();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [stage]);
}

interface PointerHandlers {
  readonly onHover: (row: number | undefined, x: number, y: number) => void;
  readonly onClick: (row: number | undefined) => void;
}

/** Drags nodes or the view, zooms by wheel and by two fingers, tells where one points and clicks. */
function usePointer(
  holder: React.RefObject<HTMLDivElement | null>,
  stage: NetworkStage | undefined,
  handlers: PointerHandlers,
): void {
  const current = useRef(handlers);
  current.current = handlers;
  useEffect(() => {
    const element = holder.current;
    if (element === null || stage === undefined) return;
    const fingers = new Map<number, { x: number; y: number }>();
    let grasped: { readonly row: number | undefined; moved: number } | undefined;
    const at = (event: PointerEvent | WheelEvent) => {
      const box = element.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const onDown = (event: PointerEvent) => {
      if (event.button !== 0) return;
      const point = at(event);
      fingers.set(event.pointerId, point);
      element.setPointerCapture(event.pointerId);
      grasped =
        fingers.size === 1
          ? { row: stage.rowAt(point.x, point.y), moved: 0 }
          : { row: undefined, moved: leastDragPx };
    };
    const onMove = (event: PointerEvent) => {
      const point = at(event);
      const before = fingers.get(event.pointerId);
      if (before === undefined)
        return current.current.onHover(stage.rowAt(point.x, point.y), point.x, point.y);
      fingers.set(event.pointerId, point);
      const byX = point.x - before.x;
      const byY = point.y - before.y;
      if (fingers.size === 2) {
        const other = [...fingers].find(([id]) => id !== event.pointerId)![1];
        const apart = Math.hypot(before.x - other.x, before.y - other.y);
        const factor = Math.hypot(point.x - other.x, point.y - other.y) / Math.max(1, apart);
        stage.zoom(factor, (point.x + other.x) / 2, (point.y + other.y) / 2);
        stage.pan(byX / 2, byY / 2);
        return;
      }
      if (grasped === undefined) return;
      grasped.moved += Math.abs(byX) + Math.abs(byY);
      if (grasped.moved < leastDragPx) return;
      current.current.onHover(undefined, 0, 0);
      if (grasped.row === undefined) stage.pan(byX, byY);
      else stage.drag(grasped.row, point.x, point.y);
    };
    const onUp = (event: PointerEvent) => {
      fingers.delete(event.pointerId);
      if (grasped !== undefined && grasped.moved < leastDragPx && event.type === "pointerup")
        current.current.onClick(grasped.row);
      if (fingers.size === 0) grasped = undefined;
    };
    const onLeave = () => current.current.onHover(undefined, 0, 0);
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { x, y } = at(event);
      // Lines and pages of old wheels are some pixels each.
      const pixels = event.deltaY * (event.deltaMode === 0 ? 1 : event.deltaMode === 1 ? 16 : 400);
      stage.zoom(Math.exp(-Math.max(-300, Math.min(300, pixels)) / 400), x, y);
    };
    element.addEventListener("pointerdown", onDown);
    element.addEventListener("pointermove", onMove);
    element.addEventListener("pointerup", onUp);
    element.addEventListener("pointercancel", onUp);
    element.addEventListener("pointerleave", onLeave);
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      element.removeEventListener("pointerdown", onDown);
      element.removeEventListener("pointermove", onMove);
      element.removeEventListener("pointerup", onUp);
      element.removeEventListener("pointercancel", onUp);
      element.removeEventListener("pointerleave", onLeave);
      element.removeEventListener("wheel", onWheel);
    };
  }, [holder, stage]);
}
