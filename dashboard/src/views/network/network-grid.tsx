/** The network as a grid: for more nodes than a drawing of links can tell anything about. */
import { Select } from "@mantine/core";
import { useMemo, useState } from "react";
import type { BookedMessage } from "../../../../src/trace/message-book.ts";
import type { PicturedNode } from "../../../../src/trace/picture.ts";
import { orderByInfection, orderByText } from "../../drawing/grid-order.ts";
import { compare } from "../../drawing/layout.ts";
import { NodeGrid } from "../../drawing/node-grid.tsx";
import { useLiveTimeline } from "../../timeline/use-timeline.ts";
import { cellOf, cells, standingOf, stateText } from "./appearance.ts";
import classes from "./network.module.css";

const orders = {
  id: "ring position (id)",
  name: "name",
  infection: "time of infection",
} as const;
type Order = keyof typeof orders;

const colors = cells.map(({ color }) => color);
const forms = cells.map(({ form }) => form);

export interface NetworkGridProps {
  readonly message: BookedMessage | undefined;
  readonly states: Uint8Array | undefined;
  readonly selectedRow: number | undefined;
  readonly select: (node: PicturedNode) => void;
  readonly label: string;
}

export function NetworkGrid({ message, states, selectedRow, select, label }: NetworkGridProps) {
  const { picture, version } = useLiveTimeline(20);
  const [by, setBy] = useState<Order>("id");
  const [hovered, setHovered] = useState<PicturedNode>();
  const count = picture.nodes.size;
  const received = message?.receivers.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the picture changes in place; the order only with who is there.
  const { nodes, order } = useMemo(() => {
    const nodes = [...picture.nodes.values()];
    return { nodes, order: orderOf(nodes, by, message) };
  }, [picture, count, by, message, by === "infection" ? received : 0]);
  const cellsNow = Uint8Array.from(nodes, (node) => cellOf(node, standingOf(node, states)));
  const selected = nodes.findIndex(({ row }) => row === selectedRow);
  return (
    <div className={classes["gridView"]}>
      <div className={classes["gridBar"]}>
        <Select
          size="xs"
          w={190}
          aria-label="Order of the grid"
          allowDeselect={false}
          data={Object.entries(orders).map(([value, text]) => ({ value, label: `By ${text}` }))}
          value={by}
          onChange={(value) => setBy((value ?? "id") as Order)}
        />
        <span className={classes["gridHover"]}>
          {hovered === undefined
            ? "One cell for each node. Point at one to see who it is, click to open it."
            : `${hovered.name}, ${hovered.role}, ${hovered.neighbors.size} links, ${stateText(hovered)}`}
        </span>
      </div>
      <NodeGrid
        states={cellsNow}
        order={order}
        version={version}
        colors={colors}
        forms={forms}
        label={label}
        selected={selected < 0 ? undefined : selected}
        onPick={(index) => select(nodes[index]!)}
        onHover={(index) => setHovered(index === undefined ? undefined : nodes[index])}
      />
    </div>
  );
}

function orderOf(nodes: readonly PicturedNode[], by: Order, message: BookedMessage | undefined): Uint32Array {
  if (by === "infection") {
    const places = new Map(nodes.map(({ row }, place) => [row, place]));
    const receivers = message?.receivers.map((row) => places.get(row) ?? -1) ?? [];
    return orderByInfection(nodes.length, receivers, message && places.get(message.origin));
  }
  const texts = nodes.map(({ id, name }) => (by === "id" ? String(id) : name));
  return orderByText(texts, compare);
}
