/** What all views share: where one is, which network it is, what may be done to it, and its time. */
import { ActionIcon, Tooltip, useMantineColorScheme } from "@mantine/core";
import { IconHelp, IconMoon, IconSun, IconSunMoon } from "@tabler/icons-react";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { EmptySource } from "../sources/empty-source.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { useTimeline } from "../timeline/use-timeline.ts";
import { ConnectionBanner, NetworkTitle } from "./connection.tsx";
import classes from "./frame.module.css";
import { NetworkHands } from "./hands.tsx";
import { Help } from "./help.tsx";
import icon from "./icon.svg?inline";
import { type Shortcut, useShortcuts } from "./shortcuts.ts";
import { TimeBar } from "./time-bar.tsx";
import { views } from "./views.tsx";

/** Longer pauses are of a tab that nobody looked at: its network did not wait, but its recording did. */
const longestFrameMs = 250;

export function Frame({ children }: { readonly children: ReactNode }) {
  const timeline = useTimeline();
  const [location, navigate] = useLocation();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const hasNetwork = !(timeline.source instanceof EmptySource);
  useFrames(timeline);
  const shortcuts = useMemo<readonly Shortcut[]>(
    () => [
      ...views.map(({ path, name }, i) => ({
        key: String(i + 1),
        label: String(i + 1),
        what: name,
        act: () => navigate(path),
      })),
      ...timeShortcuts(timeline),
      { key: "?", label: "?", what: "This help", act: () => setHelpOpen((isOpen) => !isOpen) },
    ],
    [navigate, timeline],
  );
  useShortcuts(shortcuts);
  return (
    <div className={classes["frame"]}>
      <header className={classes["header"]}>
        <img src={icon} alt="" width={22} height={22} />
        <h1 className={classes["product"]}>Grapevine</h1>
        <NetworkTitle />
        <div className={classes["space"]} />
        {hasNetwork && <NetworkHands />}
        <SchemeButton />
        <Tooltip label="Help and shortcuts (?)" openDelay={300}>
          <ActionIcon variant="default" size={26} aria-label="Help" onClick={() => setHelpOpen(true)}>
            <IconHelp size={16} />
          </ActionIcon>
        </Tooltip>
      </header>
      <nav className={classes["rail"]} aria-label="Views">
        {views.map(({ path, name, about, Icon }, i) => (
          <Tooltip key={path} label={`${about} (${i + 1})`} position="right" openDelay={400}>
            <Link
              href={path}
              className={classes["tab"]!}
              aria-current={isWithin(location, path) ? "page" : undefined}
            >
              <Icon size={20} stroke={1.6} aria-hidden />
              {name}
            </Link>
          </Tooltip>
        ))}
      </nav>
      <main className={classes["main"]}>
        <ConnectionBanner />
        <div className={classes["view"]}>{children}</div>
      </main>
      {hasNetwork && <TimeBar />}
      <Help isOpen={isHelpOpen} close={() => setHelpOpen(false)} shortcuts={shortcuts} />
    </div>
  );
}

function isWithin(location: string, path: string): boolean {
  return location === path || location.startsWith(`${path}/`);
}

function timeShortcuts(timeline: Timeline): Shortcut[] {
  const toggle = () => (timeline.pace.type === "paused" ? timeline.play() : timeline.pause());
  const jump = (ms: number) => () => timeline.seek(timeline.cursor + ms);
  const isRecorded = timeline.source.kind === "recorded";
  return [
    { key: " ", label: "Space", what: "Play or pause", act: toggle },
    { key: "ArrowLeft", isShifted: false, label: "←", what: "Step back", act: () => timeline.step(-1) },
    { key: "ArrowRight", isShifted: false, label: "→", what: "Step forward", act: () => timeline.step(1) },
    { key: "ArrowLeft", isShifted: true, label: "Shift ←", what: "A second back", act: jump(-1000) },
    { key: "ArrowRight", isShifted: true, label: "Shift →", what: "A second forward", act: jump(1000) },
    { key: "Home", label: "Home", what: "To the earliest moment", act: () => timeline.seek(timeline.first) },
    {
      key: "End",
      label: "End",
      what: isRecorded ? "To the end" : "Follow what happens now",
      act: () => (isRecorded ? timeline.seek(timeline.head) : timeline.setPace({ type: "follow" })),
    },
  ];
}

/** Lets the time of the page pass. */
function useFrames(timeline: Timeline): void {
  useEffect(() => {
    let last = performance.now();
    let frame = requestAnimationFrame(function next(now) {
      timeline.tick(Math.min(longestFrameMs, now - last));
      last = now;
      frame = requestAnimationFrame(next);
    });
    return () => cancelAnimationFrame(frame);
  }, [timeline]);
}

const schemes = {
  auto: { next: "light", label: "Colors: as the system has them", Icon: IconSunMoon },
  light: { next: "dark", label: "Colors: light", Icon: IconSun },
  dark: { next: "auto", label: "Colors: dark", Icon: IconMoon },
} as const;

function SchemeButton() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { next, label, Icon } = schemes[colorScheme];
  return (
    <Tooltip label={label} openDelay={300}>
      <ActionIcon variant="default" size={26} aria-label={label} onClick={() => setColorScheme(next)}>
        <Icon size={16} />
      </ActionIcon>
    </Tooltip>
  );
}
