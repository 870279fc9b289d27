/**
 * One cell for each node, up to a million at 60 frames a second without a GPU: for networks whose links, drawn, would
 * inform nobody. Cells are squares of one color; where they are large enough, their form says the state as well.
 */
import { useEffect, useMemo, useRef, useState } from "react";
import { type GridShape, gridShape } from "./grid-order.ts";
import { type CellForm, drawCells, type GridColors, packColors } from "./grid-pixels.ts";
import classes from "./node-grid.module.css";

export interface NodeGridProps {
  /** State of each row: an index into `colors`. The grid reads it again whenever `version` is another one. */
  readonly states: Uint8Array;
  /** The row of each cell; without it, cells are in the order of rows. */
  readonly order?: Uint32Array | undefined;
  /** Grows when `states` has changed in place. */
  readonly version?: number;
  /** One of each state, as `#rrggbb`. */
  readonly colors: readonly string[];
  /** One of each state. */
  readonly forms?: readonly CellForm[];
  /** What it shows, in words, with the figures. */
  readonly label: string;
  readonly onPick?: (row: number) => void;
  readonly onHover?: (row: number | undefined) => void;
  /** A row that is framed. */
  readonly selected?: number | undefined;
}

export function NodeGrid(props: NodeGridProps) {
  const { states, order, version = 0, colors, label, onPick, onHover, selected, forms } = props;
  const holder = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0, ratio: 1 });
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      setSize({ width: Math.floor(width), height: Math.floor(height), ratio: devicePixelRatio });
    });
    observer.observe(holder.current!);
    return () => observer.disconnect();
  }, []);

  const { ratio } = size;
  const count = order?.length ?? states.length;
  const shape = useMemo(
    () => gridShape(count, size.width * ratio, size.height * ratio),
    [count, size.width, size.height, ratio],
  );
  const packed: GridColors = useMemo(() => packColors(colors), [colors]);
  const image = useRef<ImageData>(undefined);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` says that `states` has changed in place.
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (element == null || context == null || size.width === 0) return;
    const { width, height } = canvasSize(shape);
    if (element.width !== width || element.height !== height || image.current === undefined) {
      element.width = width;
      element.height = height;
      image.current = context.createImageData(width, height);
    }
    drawCells(image.current, { states, order, count, shape, colors: packed, forms });
    context.putImageData(image.current, 0, 0);
  }, [states, order, version, count, shape, packed, forms, size]);

  /** Below 1 a cell is one pixel of the canvas, which is shown smaller. */
  const cellPx = shape.cell / ratio;
  const rowAt = (x: number, y: number): number | undefined => {
    const column = Math.floor(x / cellPx);
    const cell = Math.floor(y / cellPx) * shape.columns + column;
    if (column < 0 || column >= shape.columns || cell < 0 || cell >= count) return undefined;
    return order === undefined ? cell : order[cell];
  };
  const at = (event: { nativeEvent: MouseEvent }) =>
    rowAt(event.nativeEvent.offsetX, event.nativeEvent.offsetY);
  const place = selected === undefined ? -1 : order === undefined ? selected : order.indexOf(selected);
  const side = Math.max(cellPx, 5);

  return (
    <div ref={holder} className={classes["holder"]}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={label}
        className={classes["canvas"]}
        style={{ width: shape.columns * cellPx, height: shape.rows * cellPx }}
        onClick={(event) => {
          const row = at(event);
          if (row !== undefined) onPick?.(row);
        }}
        onMouseMove={(event) => onHover?.(at(event))}
        onMouseLeave={() => onHover?.(undefined)}
      />
      {place >= 0 && (
        <div
          className={classes["frame"]}
          style={{
            left: ((place % shape.columns) + 0.5) * cellPx - side / 2 - 2,
            top: (Math.floor(place / shape.columns) + 0.5) * cellPx - side / 2 - 2,
            width: side + 4,
            height: side + 4,
          }}
        />
      )}
    </div>
  );
}

function canvasSize({ columns, rows, cell }: GridShape): { width: number; height: number } {
  const side = Math.max(1, Math.floor(cell));
  return { width: columns * side, height: rows * side };
}
