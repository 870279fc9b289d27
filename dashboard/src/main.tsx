import "@mantine/core/styles.css";
import { MantineProvider } from "@mantine/core";
import { createRoot } from "react-dom/client";
import { App } from "./app/app.tsx";
import { EmptySource } from "./sources/empty-source.ts";
import { Timeline } from "./timeline/timeline.ts";
import { TimelineContext } from "./timeline/use-timeline.ts";

const timeline = new Timeline(new EmptySource());
timeline.start();

// Without variables and classes of its own the provider writes no style elements, which the page's policy forbids.
createRoot(document.getElementById("root")!).render(
  <MantineProvider defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
    <TimelineContext value={timeline}>
      <App />
    </TimelineContext>
  </MantineProvider>,
);
