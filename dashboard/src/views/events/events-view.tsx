/** Everything that happened until the cursor, to search: the address keeps what is looked for. */
import { ActionIcon, Button, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconDownload, IconPlayerPause, IconPlayerPlay, IconRegex } from "@tabler/icons-react";
import { useEffect, useMemo, useState } from "react";
import { useLocation, useSearch } from "wouter";
import type { NodeId, TraceEvent } from "../../../../src/core/index.ts";
import { downloadText } from "../../drawing/download.ts";
import type { Timeline } from "../../timeline/timeline.ts";
import { useLiveTimeline } from "../../timeline/use-timeline.ts";
import { EventDetails } from "./event-details.tsx";
import { addressOf, type EventFilter, everything, filterOf } from "./event-filter.ts";
import { EventList } from "./event-list.tsx";
import { EventSearch } from "./event-search.ts";
import { traceLines } from "./event-text.ts";
import classes from "./events.module.css";
import { TypeFacets } from "./type-facets.tsx";
import { useEventSearch } from "./use-event-search.ts";

export function EventsView() {
  const timeline = useLiveTimeline(5);
  const { events, cursor, startedAt, register, messages } = timeline;
  const search = useSearch();
  const [, navigate] = useLocation();
  const filter = useMemo(() => filterOf(search), [search]);
  const setFilter = (changes: Partial<EventFilter>) => {
    const address = addressOf({ ...filter, ...changes });
    navigate(address === "" ? "/events" : `/events?${address}`, { replace: true });
  };
  const found = useEventSearch(timeline, filter);
  const [heldAt, setHeldAt] = useState<number>();
  const [follows, setFollows] = useState(true);
  const [chosen, setChosen] = useState<{ readonly index: number; readonly event: TraceEvent }>();
  const nameOf = (id: NodeId) => register.of(id).name || undefined;
  const end = Math.min(heldAt ?? Number.POSITIVE_INFINITY, events.indexAfter(cursor));
  const count = found instanceof EventSearch ? found.countBefore(end) : 0;
  const isFiltered = addressOf(filter) !== "";
  const [isExporting, setExporting] = useState(false);

  const exportShown = async () => {
    if (!(found instanceof EventSearch)) return;
    setExporting(true);
    downloadText("events.ndjson", await exported(timeline, found, count), "application/x-ndjson");
    setExporting(false);
  };

  return (
    <div className={`${classes["view"]} ${chosen === undefined ? "" : classes["withDetails"]}`}>
      <div className={classes["bar"]}>
        <Field label="Text" width={220} value={filter.text} onChange={(text) => setFilter({ text })} />
        <ActionIcon
          variant={filter.isRegex ? "filled" : "default"}
          size={26}
          aria-label="The text is a regular expression"
          aria-pressed={filter.isRegex}
          title="Regular expression"
          onClick={() => setFilter({ isRegex: !filter.isRegex })}
        >
          <IconRegex size={15} />
        </ActionIcon>
        <Field
          label="Node: name, id or port"
          width={170}
          value={filter.node}
          onChange={(node) => setFilter({ node })}
        />
        <Field label="From, as 10s" width={96} value={filter.from} onChange={(from) => setFilter({ from })} />
        <Field label="Until, as 1m" width={96} value={filter.to} onChange={(to) => setFilter({ to })} />
        {isFiltered && (
          <Button size="compact-sm" variant="subtle" onClick={() => setFilter(everything)}>
            Show all
          </Button>
        )}
        <span className={classes["status"]} role="status">
          {found instanceof EventSearch ? (
            statusOf(found, count, timeline)
          ) : (
            <span className={classes["wrong"]}>{found.why}</span>
          )}
        </span>
        <ActionIcon
          variant={heldAt === undefined ? "default" : "filled"}
          size={26}
          aria-label={heldAt === undefined ? "Hold the list" : "Let the list go on"}
          title={heldAt === undefined ? "Hold the list" : "Let the list go on"}
          onClick={() => setHeldAt(heldAt === undefined ? end : undefined)}
        >
          {heldAt === undefined ? <IconPlayerPause size={15} /> : <IconPlayerPlay size={15} />}
        </ActionIcon>
        <ActionIcon
          variant="default"
          size={26}
          aria-label="Download what is shown, as a trace"
          title="Download what is shown, as a trace"
          disabled={count === 0}
          loading={isExporting}
          onClick={() => void exportShown()}
        >
          <IconDownload size={15} />
        </ActionIcon>
      </div>

      <TypeFacets
        counts={found instanceof EventSearch ? found.counts : new Map()}
        selected={filter.types}
        onSelect={(types) => setFilter({ types })}
      />
      <div className={classes["stream"]}>
        {found instanceof EventSearch && count > 0 ? (
          <>
            <EventList
              {...{ events, count, startedAt, nameOf, follows }}
              search={found}
              chosen={chosen?.index}
              onChoose={(index) => setChosen({ index, event: events.get(index)! })}
              onFollow={setFollows}
            />
            {!follows && (
              <Button className={classes["newest"]!} size="compact-sm" onClick={() => setFollows(true)}>
                To the newest
              </Button>
            )}
          </>
        ) : (
          <div className={classes["empty"]}>
            {isFiltered
              ? "Nothing that happened until this moment passes the filter."
              : "Nothing has happened yet."}
            {isFiltered && (
              <Button size="compact-sm" variant="default" onClick={() => setFilter(everything)}>
                Show all
              </Button>
            )}
          </div>
        )}
      </div>
      {chosen !== undefined && (
        <EventDetails
          event={chosen.event}
          nameOf={nameOf}
          hasMessage={(key) => messages.get(key) !== undefined}
          onSeek={() => timeline.seek(events.timeAt(chosen.index) ?? chosen.event.at)}
          onOnly={setFilter}
          onClose={() => setChosen(undefined)}
        />
      )}
    </div>
  );
}

const afterTypingMs = 200;

/** A text that becomes part of the address when somebody has stopped typing. */
function Field(props: { label: string; width: number; value: string; onChange: (value: string) => void }) {
  const { label, width, value, onChange } = props;
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const pass = useDebouncedCallback(onChange, afterTypingMs);
  return (
    <TextInput
      size="xs"
      w={width}
      aria-label={label}
      placeholder={label}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        pass(event.currentTarget.value);
      }}
    />
  );
}

function statusOf(search: EventSearch, count: number, { events }: Timeline): string {
  const kept = `${count.toLocaleString("en")} of ${(events.end - events.first).toLocaleString("en")} events`;
  const forgotten =
    events.forgotten === 0 ? "" : `, ${events.forgotten.toLocaleString("en")} earlier ones no longer kept`;
  return search.progress > 0.99 ? `${kept}${forgotten}` : `Searching: ${Math.floor(search.progress * 100)} %`;
}

/** Made a part at a time, so that the page stays awake. */
async function exported({ hello, startedAt, picture, events }: Timeline, search: EventSearch, count: number) {
  function* shown() {
    for (let place = 0; place < count; place++) {
      const index = search.at(place);
      const event = index === undefined ? undefined : events.get(index);
      if (event !== undefined) yield event;
    }
  }
  const header = { startedAt: hello?.startedAt ?? startedAt, world: hello?.world ?? "live" };
  const named = (id: NodeId) => {
    const node = picture.find(id);
    return node === undefined || node.role === "unknown" ? undefined : { name: node.name, role: node.role };
  };
  const parts: string[] = [];
  let lines: string[] = [];
  for (const line of traceLines(header, shown(), named)) {
    if (lines.push(line) < 2000) continue;
    parts.push(lines.join(""));
    lines = [];
    await new Promise((resolve) => setTimeout(resolve));
  }
  return [...parts, lines.join("")];
}
