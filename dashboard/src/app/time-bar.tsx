/** The time of the network, below every view: pause, step, speed, and any moment that is kept. */
import { ActionIcon, Button, NativeSelect, Tooltip } from "@mantine/core";
import {
  IconGitFork,
  IconPlayerPauseFilled,
  IconPlayerPlayFilled,
  IconPlayerSkipForwardFilled,
  IconPlayerTrackNextFilled,
  IconPlayerTrackPrevFilled,
} from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useLocation } from "wouter";
import { useLiveTimeline } from "../timeline/use-timeline.ts";
import { Scrubber } from "./scrubber.tsx";
import classes from "./time-bar.module.css";
import { clockText, sinceText, speeds, speedText } from "./time-text.ts";

export function TimeBar() {
  const timeline = useLiveTimeline(12);
  const [, navigate] = useLocation();
  const { pace, cursor, source, hello, speed } = timeline;
  const isEmpty = hello === undefined;
  const isMoving = pace.type !== "paused";
  const isFollowing = pace.type === "follow";
  const isRecorded = source.kind === "recorded";
  return (
    <section className={classes["bar"]} aria-label="Time">
      <Control label="Step back (←)" onClick={() => timeline.step(-1)} isOff={isEmpty}>
        <IconPlayerTrackPrevFilled size={14} />
      </Control>
      <Control
        label={isMoving ? "Pause (space)" : "Play (space)"}
        onClick={() => (isMoving ? timeline.pause() : timeline.play())}
        isOff={isEmpty}
        isMain
      >
        {isMoving ? <IconPlayerPauseFilled size={16} /> : <IconPlayerPlayFilled size={16} />}
      </Control>
      <Control label="Step forward (→)" onClick={() => timeline.step(1)} isOff={isEmpty}>
        <IconPlayerTrackNextFilled size={14} />
      </Control>
      <NativeSelect
        size="xs"
        className={classes["speed"]}
        aria-label="Speed"
        value={String(speed)}
        onChange={(event) => timeline.setSpeed(Number(event.currentTarget.value))}
        data={speedsOf(speed).map((one) => ({ value: String(one), label: speedText(one) }))}
      />
      <Tooltip
        label={isRecorded ? "To the end of the recording (End)" : "Follow what happens now (End)"}
        openDelay={300}
      >
        <Button
          size="compact-sm"
          variant={isFollowing ? "filled" : "default"}
          color="teal.9"
          aria-pressed={isRecorded ? undefined : isFollowing}
          leftSection={
            isRecorded ? (
              <IconPlayerSkipForwardFilled size={12} />
            ) : (
              <span className={classes[isFollowing ? "following" : "behind"]} />
            )
          }
          disabled={isEmpty}
          onClick={() => (isRecorded ? timeline.seek(timeline.head) : timeline.setPace({ type: "follow" }))}
        >
          {isRecorded ? "End" : source.kind === "live" ? "Live" : "Newest"}
        </Button>
      </Tooltip>
      <Scrubber />
      <div className={classes["clock"]}>
        <span className={classes["since"]}>{isEmpty ? "–" : sinceText(cursor - timeline.startedAt)}</span>
        <span className={classes["day"]}>
          {isEmpty ? "" : hello.world === "live" ? clockText(cursor) : "virtual time"}
        </span>
      </div>
      {source.clock !== undefined && (
        <Tooltip label="Run on from this moment with a change, and compare" openDelay={300}>
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconGitFork size={14} />}
            onClick={() => navigate(`/compare?at=${Math.round(cursor)}`)}
          >
            Fork here
          </Button>
        </Tooltip>
      )}
    </section>
  );
}

/** A source may have chosen another one. */
function speedsOf(speed: number): readonly number[] {
  return (speeds as readonly number[]).includes(speed) ? speeds : [...speeds, speed].sort((a, b) => a - b);
}

interface ControlProps {
  readonly label: string;
  readonly onClick: () => void;
  readonly isOff: boolean;
  readonly isMain?: boolean;
  readonly children: ReactNode;
}

function Control({ label, onClick, isOff, isMain = false, children }: ControlProps) {
  return (
    <Tooltip label={label} openDelay={300}>
      <ActionIcon
        size={isMain ? 32 : 26}
        radius="xl"
        variant={isMain ? "filled" : "default"}
        aria-label={label}
        disabled={isOff}
        onClick={onClick}
      >
        {children}
      </ActionIcon>
    </Tooltip>
  );
}
