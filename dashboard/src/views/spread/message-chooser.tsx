import { TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import { sinceText } from "../../app/time-text.ts";
import type { Timeline } from "../../timeline/timeline.ts";
import { listedMessages, originName, PeerCount, reachedShare } from "./message-list.ts";
import classes from "./spread.module.css";

const rowPx = 44;

/** All messages that are kept, the newest first. */
export function MessageChooser({ timeline, chosen }: { timeline: Timeline; chosen: string | undefined }) {
  const { messages, register, latest, startedAt } = timeline;
  const [search, setSearch] = useState("");
  const scroller = useRef<HTMLElement>(null);
  const { size, forgotten } = messages;
  // Each message is followed whole or not at all.
  const leftOut = timeline.samplings.reduce((sum, { messagesLeftOut }) => sum + messagesLeftOut, 0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the book is written on in place; its size says so.
  const listed = useMemo(
    () => listedMessages(messages, (row) => originName(latest, register, row), search),
    [messages, register, latest, search, size, forgotten],
  );
  const peers = useMemo(() => new PeerCount(latest), [latest, latest.topologyVersion]);
  const virtual = useVirtualizer({
    count: listed.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    overscan: 8,
    getItemKey: (index) => listed[index]!.key,
  });
  const place = listed.findIndex(({ key }) => key === chosen);
  const shownOnce = useRef("");
  useEffect(() => {
    // Whoever comes with an address wants to see that message in the list, and then to scroll freely.
    if (chosen === undefined || place < 0 || shownOnce.current === chosen) return;
    shownOnce.current = chosen;
    virtual.scrollToIndex(place, { align: "auto" });
  }, [chosen, place, virtual]);
  return (
    <nav className={classes["list"]} aria-label="Messages">
      <TextInput
        size="xs"
        aria-label="Search messages"
        placeholder="Text, origin or key"
        leftSection={<IconSearch size={14} />}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      <p className={classes["muted"]}>
        {search === "" ? `${size.toLocaleString("en")} messages` : `${listed.length} of ${size} messages`}
        {forgotten > 0 ? `; ${forgotten.toLocaleString("en")} older ones are no longer kept` : ""}
        {leftOut > 0 ? `; ${leftOut.toLocaleString("en")} others were not followed` : ""}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard. */}
      <section ref={scroller} className={classes["listScroll"]} tabIndex={0} aria-label="List of messages">
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const message = listed[index]!;
            const percent = Math.floor(100 * reachedShare(message, peers));
            return (
              <Link
                key={message.key}
                href={`/spread/${encodeURIComponent(message.key)}`}
                className={classes["message"] ?? ""}
                aria-current={message.key === chosen ? "page" : undefined}
                style={{ transform: `translateY(${start}px)`, height: rowPx }}
              >
                <span className={classes["messageText"]}>{message.text ?? "(bytes)"}</span>
                <span className={classes["messagePercent"]}>{percent} %</span>
                <span className={classes["messageFrom"]}>
                  {originName(latest, register, message.origin)} ·{" "}
                  {sinceText(message.publishedAt - startedAt)}
                </span>
                <span className={classes["bar"]} aria-hidden="true">
                  <span className={classes["barFill"]} style={{ width: `${percent}%` }} />
                </span>
              </Link>
            );
          })}
          {listed.length === 0 && <p className={classes["muted"]}>No message matches “{search}”.</p>}
        </div>
      </section>
    </nav>
  );
}
