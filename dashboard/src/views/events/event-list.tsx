import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { sinceText } from "../../app/time-text.ts";
import type { EventBuffer } from "../../timeline/event-buffer.ts";
import type { EventSearch } from "./event-search.ts";
import { eventLine, type NameOf } from "./event-text.ts";
import classes from "./events.module.css";

const rowHeight = 22;

export interface EventListProps {
  readonly events: EventBuffer;
  readonly search: EventSearch;
  /** So many of the found events are shown. */
  readonly count: number;
  readonly startedAt: number;
  readonly nameOf: NameOf;
  /** Number of the chosen event. */
  readonly chosen: number | undefined;
  readonly onChoose: (index: number) => void;
  /** Stays with the newest. */
  readonly follows: boolean;
  readonly onFollow: (follows: boolean) => void;
}

/** The events, the newest last. Only those that are seen are in the page. */
export function EventList(props: EventListProps) {
  const { events, search, count, startedAt, nameOf, chosen, onChoose, follows, onFollow } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
  });
  useEffect(() => {
    if (follows && count > 0) rows.scrollToIndex(count - 1, { align: "end" });
  }, [follows, count, rows]);

  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = scroller.current!;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < rowHeight;
    if (isAtEnd && !follows) onFollow(true);
  };
  const choose = (place: number) => {
    const index = search.at(Math.max(0, Math.min(count - 1, place)));
    if (index === undefined) return;
    // Where all of them are seen, nothing can run away.
    if (rows.getTotalSize() > scroller.current!.clientHeight) onFollow(false);
    onChoose(index);
    rows.scrollToIndex(Math.max(0, Math.min(count - 1, place)), { align: "auto" });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const from = chosen === undefined ? count : search.countBefore(chosen);
    const to = {
      ArrowUp: from - 1,
      ArrowDown: from + 1,
      PageUp: from - 20,
      PageDown: from + 20,
      Home: 0,
      End: count - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(to);
  };

  return (
    <div
      ref={scroller}
      className={classes["list"]}
      role="listbox"
      aria-label="Events"
      aria-activedescendant={chosen === undefined ? undefined : `event-${chosen}`}
      tabIndex={0}
      onScroll={onScroll}
      // Whoever turns the wheel upwards wants to read: the list stops running away.
      onWheel={({ deltaY }) =>
        deltaY < 0 && rows.getTotalSize() > scroller.current!.clientHeight && onFollow(false)
      }
      onKeyDown={onKeyDown}
    >
      <div className={classes["rows"]} style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => {
          const index = search.at(row.index);
          const event = index === undefined ? undefined : events.get(index);
          if (index === undefined || event === undefined) return null;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: keys move the choice of the whole list
            <div
              key={index}
              id={`event-${index}`}
              role="option"
              aria-selected={index === chosen}
              aria-posinset={row.index + 1}
              aria-setsize={count}
              tabIndex={-1}
              className={classes["row"]}
              style={{ transform: `translateY(${row.start}px)` }}
              onClick={() => choose(row.index)}
            >
              <span className={classes["time"]}>
                {sinceText((events.timeAt(index) ?? event.at) - startedAt)}
              </span>
              <span className={classes["node"]}>
                {event.node === "" ? "–" : (nameOf(event.node) ?? String(event.node))}
              </span>
              <span className={classes["kind"]}>
                <span className={classes["dim"]}>{event.layer}/</span>
                {event.type}
              </span>
              <span className={classes["fields"]}>{eventLine(event, nameOf)}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
