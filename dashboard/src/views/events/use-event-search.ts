import { useEffect, useMemo, useState } from "react";
import type { Timeline } from "../../timeline/timeline.ts";
import { type EventFilter, passesOf } from "./event-filter.ts";
import { EventSearch } from "./event-search.ts";

/** Of a frame of 16 ms: the rest is for drawing. */
const searchMsPerFrame = 5;
/** While something is found the list is drawn so often. */
const drawEveryMs = 200;

/** The events of the timeline that pass, found little by little; or why the filter makes no sense. */
export function useEventSearch(
  timeline: Timeline,
  filter: EventFilter,
): EventSearch | { readonly why: string } {
  const { events, register, startedAt } = timeline;
  const { node, text, isRegex, from, to } = filter;
  const types = filter.types.join(",");
  const search = useMemo(() => {
    const wanted = { types: [], node, text, isRegex, from, to };
    const passes = passesOf(wanted, (id) => register.of(id).name || undefined);
    return typeof passes === "function" ? new EventSearch(events, passes, startedAt) : passes;
  }, [events, register, startedAt, node, text, isRegex, from, to]);
  useMemo(() => {
    if (search instanceof EventSearch) search.select(types === "" ? undefined : new Set(types.split(",")));
  }, [search, types]);
  const [, draw] = useState(0);
  useEffect(() => {
    if (!(search instanceof EventSearch)) return;
    let drawnAt = 0;
    let frame = 0;
    let isStale = false;
    const step = () => {
      frame = requestAnimationFrame(step);
      if (!search.isDone) {
        search.advance(searchMsPerFrame, () => performance.now());
        isStale = true;
      }
      if (!isStale || performance.now() - drawnAt < drawEveryMs) return;
      isStale = false;
      drawnAt = performance.now();
      draw((count) => count + 1);
    };
    frame = requestAnimationFrame(step);
    return () => cancelAnimationFrame(frame);
  }, [search]);
  return search;
}
