/** The network that is shown, for components: they draw again at most so many times a second. */
import { createContext, useContext, useEffect, useState } from "react";
import type { Timeline } from "./timeline.ts";

export const TimelineContext = createContext<Timeline | undefined>(undefined);

/** The timeline, without watching it: for what draws by itself, frame by frame. */
export function useTimeline(): Timeline {
  const timeline = useContext(TimelineContext);
  if (timeline === undefined) throw new Error("there is no timeline around this component");
  return timeline;
}

/** The timeline, and a new drawing of the component after it has changed, `timesPerSecond` at most. */
export function useLiveTimeline(timesPerSecond = 4): Timeline {
  const timeline = useTimeline();
  const [, draw] = useState(0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = timeline.watch(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        draw((count) => count + 1);
      }, 1000 / timesPerSecond);
    });
    draw((count) => count + 1);
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [timeline, timesPerSecond]);
  return timeline;
}
