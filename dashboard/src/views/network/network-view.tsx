/** Who is there and who is linked, as it happens: `#/network/<message>?node=<name>&as=graph`. */
import { Button, SegmentedControl, Select, Tooltip } from "@mantine/core";
import { IconArrowsShuffle, IconChartDots3, IconGridDots, IconTable } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { type BookedMessage, statesAt } from "../../../../src/trace/message-book.ts";
import type { PicturedNode } from "../../../../src/trace/picture.ts";
import { sinceText } from "../../app/time-text.ts";
import type { LayoutKind } from "../../drawing/layout-keeper.ts";
import { useLiveTimeline } from "../../timeline/use-timeline.ts";
import { isThere } from "./appearance.ts";
import { choiceOf, type MessageChoice, messageAt, pathOf } from "./message-choice.ts";
import classes from "./network.module.css";
import { countNetwork, countsText } from "./network-counts.ts";
import { NetworkGraph } from "./network-graph.tsx";
import { NetworkGrid } from "./network-grid.tsx";
import { NetworkLegend } from "./network-legend.tsx";
import { NodePanel } from "./node-panel.tsx";
import { nodeCalled, searchNodes } from "./node-search.ts";
import { NodeTable } from "./node-table.tsx";

/** Beyond, a drawing of links informs nobody. */
const mostInGraph = 2000;
const maxListedMessages = 100;

type Form = "graph" | "grid" | "table";

export function NetworkView() {
  const timeline = useLiveTimeline(5);
  const { picture, messages, cursor, state } = timeline;
  const address = useNetworkAddress();
  const [layout, setLayout] = useState<LayoutKind>("forces");
  const graph = useRef<{ arrangeAgain(): void }>(null);
  const { choice } = address;

  const message = messageAt(messages, choice, cursor);
  const states = message && statesAt(message, cursor, picture.register.all.length + 1);
  const counts = countNetwork(picture, states);
  const selected = address.node === undefined ? undefined : nodeCalled(picture, address.node);
  const isLarge = counts.peers + counts.seeds > mostInGraph;
  const form = address.form ?? (isLarge ? "grid" : "graph");
  const label = `The network. ${countsText(counts, message !== undefined)}`;
  const select = (node: PicturedNode | undefined) => address.go({ node: node?.name });

  if (picture.nodes.size === 0)
    return (
      <div className={classes["empty"]}>
        {state.type === "open" || state.type === "connecting"
          ? "Nobody is there yet. Nodes appear here as soon as they start."
          : "There is no node in this network."}
      </div>
    );
  return (
    <div className={classes["view"]}>
      <div className={classes["bar"]}>
        <NodeSearch select={select} />
        <MessageSelect choice={choice} shown={message} onChange={(next) => address.go({ choice: next })} />
        <SegmentedControl
          size="xs"
          aria-label="Show the network as"
          value={form}
          onChange={(next) => address.go({ form: next as Form })}
          data={[
            { value: "graph", label: <Labeled icon={<IconChartDots3 size={14} />} text="Graph" /> },
            { value: "grid", label: <Labeled icon={<IconGridDots size={14} />} text="Grid" /> },
            { value: "table", label: <Labeled icon={<IconTable size={14} />} text="Table" /> },
          ]}
        />
        {form === "graph" && (
          <>
            <SegmentedControl
              size="xs"
              aria-label="Layout"
              value={layout}
              onChange={(next) => setLayout(next as LayoutKind)}
              data={[
                { value: "forces", label: "Forces" },
                { value: "ring", label: "Ring" },
              ]}
            />
            <Tooltip label="Places all nodes anew, from the beginning" openDelay={300}>
              <Button
                size="compact-sm"
                variant="default"
                leftSection={<IconArrowsShuffle size={14} />}
                onClick={() => graph.current?.arrangeAgain()}
              >
                Arrange again
              </Button>
            </Tooltip>
          </>
        )}
      </div>
      <div className={classes["stage"]}>
        <div className={classes["drawing"]}>
          {form === "graph" && (
            <NetworkGraph
              ref={graph}
              choice={choice}
              layout={layout}
              selectedRow={selected?.row}
              select={select}
              label={label}
            />
          )}
          {form === "grid" && (
            <NetworkGrid
              message={message}
              states={states}
              selectedRow={selected?.row}
              select={select}
              label={label}
            />
          )}
          {form === "table" && <NodeTable states={states} selectedRow={selected?.row} select={select} />}
        </div>
        {selected !== undefined && <NodePanel key={selected.row} node={selected} select={select} />}
      </div>
      <div className={classes["foot"]}>
        <NetworkLegend counts={counts} hasMessage={message !== undefined} isGrid={form === "grid"} />
        <span className={classes["footNote"]}>
          {isLarge &&
            (form === "grid"
              ? `More than ${mostInGraph.toLocaleString("en")} nodes: shown as a grid`
              : form === "graph" &&
                `More than ${mostInGraph.toLocaleString("en")} nodes: a grid tells more than a drawing of their links`)}
          {!isLarge && form === "graph" && message !== undefined && "Dots are copies, slowed down to be seen"}
        </span>
      </div>
    </div>
  );
}

function Labeled(props: { readonly icon: React.ReactNode; readonly text: string }) {
  return (
    <span className={classes["labeled"]}>
      {props.icon}
      {props.text}
    </span>
  );
}

/** What the address says, and a way to another one. */
function useNetworkAddress() {
  const [location, navigate] = useLocation();
  const search = new URLSearchParams(useSearch());
  const node = search.get("node") ?? undefined;
  const as = search.get("as");
  const form: Form | undefined = as === "graph" || as === "grid" || as === "table" ? as : undefined;
  const choice = choiceOf(location);
  const go = (to: {
    readonly node?: string | undefined;
    readonly form?: Form;
    readonly choice?: MessageChoice;
  }) => {
    const next = new URLSearchParams(search);
    if ("node" in to) {
      if (to.node === undefined) next.delete("node");
      else next.set("node", to.node);
    }
    if (to.form !== undefined) next.set("as", to.form);
    const question = next.toString();
    navigate(pathOf(to.choice ?? choice) + (question === "" ? "" : `?${question}`), {
      replace: !("node" in to),
    });
  };
  return { node, form, choice, go };
}

function NodeSearch({ select }: { readonly select: (node: PicturedNode) => void }) {
  const { picture } = useLiveTimeline(1);
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof Element && event.target.closest("input, textarea") !== null;
      if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
  const found = text === "" ? [...picture.nodes.values()].filter(isThere) : searchNodes(picture, text, 30);
  return (
    <Select
      ref={input}
      size="xs"
      w={190}
      searchable
      selectFirstOptionOnChange
      selectFirstOptionOnDropdownOpen
      aria-label="Find a node by name, id or port"
      placeholder="Find name, id, port  ( / )"
      nothingFoundMessage="No node is called so"
      value={null}
      searchValue={text}
      onSearchChange={setText}
      // What was found is in order already, by more than its name.
      filter={({ options }) => options}
      data={found.slice(0, 30).map(({ row, name }) => ({ value: String(row), label: name }))}
      onChange={(row) => {
        const node = row === null ? undefined : picture.nodes.get(Number(row));
        if (node !== undefined) select(node);
        setText("");
        input.current?.blur();
      }}
    />
  );
}

function MessageSelect(props: {
  readonly choice: MessageChoice;
  readonly shown: BookedMessage | undefined;
  readonly onChange: (choice: MessageChoice) => void;
}) {
  const { choice, shown, onChange } = props;
  const { messages, picture, startedAt } = useLiveTimeline(1);
  const listed = [...messages.messages].slice(-maxListedMessages).reverse();
  if (choice.type === "one" && shown !== undefined && !listed.includes(shown)) listed.unshift(shown);
  const name = ({ text, origin, publishedAt }: BookedMessage) =>
    `${sinceText(publishedAt - startedAt)}  ${picture.nodes.get(origin)?.name ?? "?"}: ${text ?? "a message"}`;
  const latest =
    choice.type === "latest" && shown !== undefined ? `Latest: ${name(shown)}` : "Latest message";
  return (
    <Select
      size="xs"
      w={300}
      aria-label="Message that is shown"
      allowDeselect={false}
      value={choice.type === "one" ? choice.key : choice.type}
      data={[
        { value: "latest", label: latest },
        { value: "none", label: "No message" },
        ...listed.map((message) => ({ value: message.key, label: name(message) })),
      ]}
      onChange={(value) =>
        onChange(value === "latest" || value === "none" ? { type: value } : { type: "one", key: value ?? "" })
      }
    />
  );
}
