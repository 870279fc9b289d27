/** Which network it is, of which world, and how we stand with it. */
import { Alert, Badge, Button, Loader, PasswordInput, Tooltip } from "@mantine/core";
import {
  IconBroadcast,
  IconFilter,
  IconFlask,
  IconKey,
  IconMovie,
  IconPlugConnectedX,
} from "@tabler/icons-react";
import { type FormEvent, useEffect, useState } from "react";
import { Link } from "wouter";
import { verdictText } from "../laboratory/run-figures.ts";
import { SimulatedSource } from "../laboratory/simulated-source.ts";
import { EmptySource } from "../sources/empty-source.ts";
import type { Source, SourceState } from "../sources/source.ts";
import { useLiveTimeline } from "../timeline/use-timeline.ts";
import classes from "./connection.module.css";
import { samplingText } from "./sampling-text.ts";
import { keepToken, keptToken } from "./token.ts";

const worlds = {
  live: { name: "Live", color: "teal.9", Icon: IconBroadcast, about: "Nodes that run now" },
  recorded: { name: "Recorded", color: "blue.9", Icon: IconMovie, about: "A run that was written down" },
  simulated: { name: "Simulated", color: "violet.8", Icon: IconFlask, about: "Virtual time, in this page" },
} as const;

const states: Record<SourceState["type"], string> = {
  connecting: "connecting…",
  open: "connected",
  lost: "connection lost",
  ended: "ended",
  "needs-token": "needs a token",
};

export function NetworkTitle() {
  const timeline = useLiveTimeline(2);
  const { source, state, hello, samplings, cursor, events } = timeline;
  if (source instanceof EmptySource) return null;
  const { name, color, Icon, about } = worlds[source.kind];
  const ofWhat = source.kind === "recorded" && hello !== undefined ? ` ${ranAs[hello.world]}` : "";
  const sampling = samplingText(samplings, { at: cursor, kind: source.kind, forgotten: events.forgotten });
  const said = "why" in state ? state.why : "progress" in state ? state.progress : undefined;
  const isWhole = source.kind === "recorded" && state.type === "ended" && hello !== undefined;
  return (
    <div className={classes["title"]}>
      <Tooltip label={about} openDelay={300}>
        <Badge color={color} variant="filled" leftSection={<Icon size={12} />} className={classes["badge"]}>
          {name}
          {ofWhat}
        </Badge>
      </Tooltip>
      <span className={classes["label"]} title={source.label}>
        {source.label}
      </span>
      <span className={classes["state"]} data-state={state.type} title={said}>
        {source instanceof SimulatedSource && state.type === "open" ? (
          <SimulationState source={source} />
        ) : isWhole ? (
          said
        ) : (
          states[state.type]
        )}
      </span>
      {sampling !== undefined && (
        <Tooltip label={sampling.long} multiline maw={360}>
          <Badge
            variant="default"
            leftSection={<IconFilter size={12} />}
            tabIndex={0}
            className={classes["badge"]}
          >
            {sampling.short}
          </Badge>
        </Tooltip>
      )}
    </div>
  );
}

/** Whoever looks at the network that a scenario runs in has to learn that its verdict is there. */
function SimulationState({ source: { report } }: { readonly source: SimulatedSource }) {
  if (report === undefined) return "runs";
  return (
    <Link
      href="/laboratory"
      className={classes["verdict"]}
      data-ok={report.ok}
      title="What was expected, and what happened"
    >
      {verdictText(report)}
    </Link>
  );
}

const ranAs = { live: "live run", simulated: "simulation" } as const;

/** Says what stands between us and the network, and what to do about it. */
export function ConnectionBanner() {
  const { source, state, hello } = useLiveTimeline(2);
  if (source instanceof EmptySource) return null;
  switch (state.type) {
    case "connecting":
      // Between two attempts nothing moves.
      if (source.kind === "live" && hello !== undefined) return <Lost source={source} />;
      return (
        <output className={classes["connecting"]}>
          <Loader size={14} /> {state.progress ?? `Connecting to ${source.label}…`}
        </output>
      );
    case "lost":
      return <Lost state={state} source={source} />;
    case "needs-token":
      return <TokenForm source={source} />;
    case "ended":
      if (source.kind === "recorded" && hello !== undefined) return null;
      return (
        <Alert color="gray" variant="light" radius={0} role="alert">
          {state.why}
        </Alert>
      );
    case "open":
      return null;
  }
}

interface LostProps {
  /** Undefined while it is tried again. */
  readonly state?: Extract<SourceState, { type: "lost" }>;
  readonly source: Source;
}

function Lost({ state, source }: LostProps) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  const seconds = state === undefined ? 0 : Math.max(0, Math.ceil((state.retryAt - now) / 1000));
  return (
    <Alert color="red" variant="light" radius={0} role="alert" icon={<IconPlugConnectedX size={18} />}>
      <div className={classes["line"]}>
        <span>
          The connection is lost{state === undefined ? "" : `: ${state.why}`}. What is shown is the last that
          is known. {seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again…"}
        </span>
        {source.retryNow !== undefined && (
          <Button size="compact-xs" variant="default" onClick={() => source.retryNow?.()}>
            Retry now
          </Button>
        )}
      </div>
    </Alert>
  );
}

function TokenForm({ source }: { readonly source: Source }) {
  const [token, setToken] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    keepToken(token);
    source.authorize?.(token);
  };
  return (
    <Alert color="gray" variant="light" radius={0} role="alert" icon={<IconKey size={18} />}>
      <form className={classes["line"]} onSubmit={submit}>
        <span>
          <strong>
            {keptToken() === undefined ? "This network wants a token. " : "That token is wrong. "}
          </strong>
          It is the one that its process was started with (--api-token). This tab keeps it until it is closed.
        </span>
        <PasswordInput
          size="xs"
          w={220}
          required
          aria-label="Token"
          autoComplete="off"
          visibilityToggleButtonProps={{ "aria-label": "Show the token" }}
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
        />
        <Button size="xs" type="submit">
          Connect
        </Button>
      </form>
    </Alert>
  );
}
