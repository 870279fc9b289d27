import { type KeyboardEvent, useLayoutEffect, useRef, useState } from "react";
import { sinceText } from "../../app/time-text.ts";
import { seenRows, topToSee } from "../../drawing/row-window.ts";
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
  const [heightPx, setHeightPx] = useState(0);
  const [scrolledPx, setScrolledPx] = useState(0);
  /** Where the list has scrolled itself: it is told of that later, when its height may be another one. */
  const putPx = useRef(0);
  const endPx = Math.max(0, count * rowHeight - heightPx);
  const isLonger = endPx > 0;
  const topPx = follows ? endPx : scrolledPx;
  const [start, stop] = seenRows({ count, rowPx: rowHeight, topPx, heightPx });
  const places = Array.from({ length: stop - start }, (_, i) => start + i);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => setHeightPx(entry!.contentRect.height));
    observer.observe(scroller.current!);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (!follows) return;
    scroller.current!.scrollTop = endPx;
    putPx.current = scroller.current!.scrollTop;
  }, [follows, endPx]);

  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = scroller.current!;
    setScrolledPx(scrollTop);
    const isAtEnd = scrollHeight - scrollTop - clientHeight < rowHeight;
    if (isAtEnd && !follows) onFollow(true);
    // Somebody drags the bar.
    else if (!isAtEnd && follows && scrollTop !== putPx.current) onFollow(false);
  };
  const choose = (place: number) => {
    const row = Math.max(0, Math.min(count - 1, place));
    const index = search.at(row);
    if (index === undefined) return;
    // Where all of them are seen, nothing can run away.
    if (isLonger) onFollow(false);
    onChoose(index);
    const top = topToSee(row, { count, rowPx: rowHeight, topPx, heightPx });
    setScrolledPx(top);
    scroller.current!.scrollTop = top;
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
      onWheel={({ deltaY }) => deltaY < 0 && isLonger && onFollow(false)}
      onKeyDown={onKeyDown}
    >
      <div className={classes["rows"]} style={{ height: count * rowHeight }}>
        {places.map((place) => {
          const index = search.at(place);
          const event = index === undefined ? undefined : events.get(index);
          if (index === undefined || event === undefined) return null;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: keys move the choice of the whole list
            <div
              key={index}
              id={`event-${index}`}
              role="option"
              aria-selected={index === chosen}
              aria-posinset={place + 1}
              aria-setsize={count}
              tabIndex={-1}
              className={classes["row"]}
              style={{ transform: `translateY(${place * rowHeight}px)` }}
              onClick={() => choose(place)}
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
