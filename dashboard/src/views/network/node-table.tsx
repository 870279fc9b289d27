/** The network as a table: what the graph shows, for keyboards, screen readers and whoever likes figures. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef, useState } from "react";
import type { PicturedNode } from "../../../../src/trace/picture.ts";
import { sinceText } from "../../app/time-text.ts";
import { useLiveTimeline, useTimeline } from "../../timeline/use-timeline.ts";
import { type Standing, standingOf } from "./appearance.ts";
import classes from "./network.module.css";
import { type Column, columns, type Sorting, sortedRows } from "./node-rows.ts";

export interface NodeTableProps {
  readonly states: Uint8Array | undefined;
  readonly selectedRow: number | undefined;
  readonly select: (node: PicturedNode) => void;
}

const rowPx = 28;

export function NodeTable({ states, selectedRow, select }: NodeTableProps) {
  const isLarge = useTimeline().picture.nodes.size > 5000;
  // Many rows take a while to sort.
  const { picture, startedAt } = useLiveTimeline(isLarge ? 0.5 : 2);
  const [sorting, setSorting] = useState<Sorting>({ by: "name", descending: false });
  const scroller = useRef<HTMLDivElement>(null);
  const standing = (node: PicturedNode): Standing => standingOf(node, states);
  const rows = sortedRows(picture, standing, sorting);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    overscan: 12,
  });
  const shown = virtual.getVirtualItems();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard.
    <div ref={scroller} className={classes["tableScroll"]} tabIndex={0}>
      <table className={classes["table"]} aria-rowcount={rows.length + 1}>
        <caption className={classes["spoken"]}>Nodes of the network</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Heading key={column.name} column={column} sorting={sorting} setSorting={setSorting} />
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap px={shown[0]?.start ?? 0} />
          {shown.map(({ index }) => {
            const { node, ...row } = rows[index]!;
            return (
              <tr key={node.row} aria-rowindex={index + 2} data-selected={node.row === selectedRow}>
                <th scope="row">
                  <button type="button" className={classes["name"]} onClick={() => select(node)}>
                    {node.name}
                  </button>
                </th>
                <td>{row.role}</td>
                <td>{row.state}</td>
                <td>{row.message}</td>
                <td data-number>{row.degree}</td>
                <td data-number>{row.delivered}</td>
                <td data-number>{row.suspected}</td>
                <td data-number>{sinceText(row.since - startedAt)}</td>
              </tr>
            );
          })}
          <Gap px={virtual.getTotalSize() - (shown.at(-1)?.end ?? 0)} />
        </tbody>
      </table>
    </div>
  );
}

/** Rows that are not in sight have their room. */
function Gap({ px }: { readonly px: number }) {
  return px <= 0 ? null : (
    <tr aria-hidden style={{ height: px }}>
      <td colSpan={columns.length} />
    </tr>
  );
}

function Heading(props: {
  readonly column: Column;
  readonly sorting: Sorting;
  readonly setSorting: (sorting: Sorting) => void;
}) {
  const { column, sorting, setSorting } = props;
  const isSorted = sorting.by === column.by;
  const direction = sorting.descending ? "descending" : "ascending";
  return (
    <th scope="col" aria-sort={isSorted ? direction : "none"} data-number={column.isNumber || undefined}>
      <button
        type="button"
        className={classes["sort"]}
        onClick={() =>
          setSorting({
            by: column.by,
            descending: isSorted ? !sorting.descending : column.isNumber === true,
          })
        }
      >
        {column.name}
        <span aria-hidden>{isSorted ? (sorting.descending ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}
