/** The page around whichever network it shows. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { chooseSource } from "../sources/choose-source.ts";
import { EmptySource } from "../sources/empty-source.ts";
import type { Source } from "../sources/source.ts";
import { Timeline } from "../timeline/timeline.ts";
import { TimelineContext } from "../timeline/use-timeline.ts";
import { App } from "./app.tsx";
import { OutcomesProvider } from "./outcomes.tsx";
import { PageContext } from "./page.ts";
import { keptToken } from "./token.ts";
import { ViewBoundary } from "./view-boundary.tsx";

export function Root() {
  const [timeline, setTimeline] = useState<Timeline>();
  const shown = useRef<Timeline>(undefined);
  const open = useCallback((source: Source) => {
    shown.current?.close();
    const next = new Timeline(source);
    shown.current = next;
    const token = keptToken();
    if (token !== undefined) source.authorize?.(token);
    next.start();
    setTimeline(next);
  }, []);
  useEffect(() => {
    let isGone = false;
    void chooseSource(new URL(location.href)).then((source) => {
      if (!isGone) open(source ?? new EmptySource());
    });
    return () => {
      isGone = true;
    };
  }, [open]);
  const page = useMemo(() => ({ open }), [open]);
  if (timeline === undefined) return null;
  return (
    <PageContext value={page}>
      <TimelineContext value={timeline}>
        <OutcomesProvider>
          {/* What is around the views may fail, too. */}
          <ViewBoundary of={timeline.source.label}>
            <App />
          </ViewBoundary>
        </OutcomesProvider>
      </TimelineContext>
    </PageContext>
  );
}
