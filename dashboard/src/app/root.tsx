/** The page around whichever network it shows. */
import { useEffect, useState } from "react";
import { chooseSource } from "../sources/choose-source.ts";
import { EmptySource } from "../sources/empty-source.ts";
import { Timeline } from "../timeline/timeline.ts";
import { TimelineContext } from "../timeline/use-timeline.ts";
import { App } from "./app.tsx";

export function Root() {
  const [timeline, setTimeline] = useState<Timeline>();
  useEffect(() => {
    void chooseSource(location.search).then((source) => {
      const chosen = new Timeline(source ?? new EmptySource());
      chosen.start();
      setTimeline(chosen);
    });
  }, []);
  if (timeline === undefined) return null;
  return (
    <TimelineContext value={timeline}>
      <App />
    </TimelineContext>
  );
}
