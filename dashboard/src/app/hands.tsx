/**
 * What somebody can do to the network, in all worlds the same: the actions of a scenario. Where the network does not
 * allow one, its button is there and says why it does nothing.
 */
import { Button, NumberInput, Popover, Select, Slider, Text, TextInput, Tooltip } from "@mantine/core";
import {
  IconDoorExit,
  IconHandStop,
  IconPlayerPlay,
  IconPlugConnectedX,
  IconRefresh,
  IconSend,
  IconSkull,
  IconUserPlus,
  IconWaveSine,
} from "@tabler/icons-react";
import { type FormEvent, type ReactNode, type Ref, useState } from "react";
import type { Action } from "../../../src/scenario/scenario.ts";
import type { PicturedNode } from "../../../src/trace/picture.ts";
import { useLiveTimeline, useTimeline } from "../timeline/use-timeline.ts";
import classes from "./hands.module.css";
import { anyPeer, linksNow, peersOf, publisherOf, whyNot } from "./hands-rules.ts";
import { useOutcomes } from "./outcomes.tsx";

/** Does it, and tells what became of it. Resolves to whether it was done. */
export function useAct(): (action: Action, done: string) => Promise<boolean> {
  const timeline = useTimeline();
  const outcomes = useOutcomes();
  return async (action, done) => {
    try {
      await timeline.source.act(action);
      outcomes.tell(done);
      return true;
    } catch (error) {
      outcomes.fail(error instanceof Error ? error.message : String(error));
      return false;
    }
  };
}

/** Why the network cannot be handled so; undefined where it can. */
export function useWhyNot(): (action: Action["do"]) => string | undefined {
  const timeline = useTimeline();
  return (action) => whyNot(timeline.hello, timeline.state, action);
}

interface HandProps {
  readonly label: string;
  readonly icon: ReactNode;
  /** What it does to the network. */
  readonly about: string;
  readonly why: string | undefined;
  readonly onClick: () => void;
  /** It cannot be undone. */
  readonly isFinal?: boolean;
  /** What it opens says enough. */
  readonly isOpen?: boolean;
  /** Of whoever hangs something on the button. */
  readonly ref?: Ref<HTMLButtonElement>;
}

/** A button that stays reachable when it cannot be pressed, so that everybody can ask it why. */
function Hand({ label, icon, about, why, onClick, isFinal = false, isOpen = false, ...rest }: HandProps) {
  const isOff = why !== undefined;
  return (
    <Tooltip
      label={isOff ? `${about}. Not here: ${why}` : about}
      multiline
      maw={300}
      openDelay={300}
      disabled={isOpen}
    >
      <Button
        {...rest}
        size="compact-sm"
        variant="default"
        leftSection={icon}
        aria-disabled={isOff}
        aria-description={isOff ? `Not possible: ${why}` : about}
        data-disabled={isOff || undefined}
        {...(isFinal && !isOff ? { className: classes["final"] } : {})}
        onClick={(event) => {
          if (isOff) event.preventDefault();
          else onClick();
        }}
      >
        {label}
      </Button>
    </Tooltip>
  );
}

/** For one node: kill, hang or resume, leave, restart. */
export function NodeHands({ node }: { readonly node: PicturedNode }) {
  const act = useAct();
  const why = useWhyNot();
  const { name, state, role } = node;
  const isThere = state === "alive" || state === "paused";
  if (!isThere)
    return (
      <div className={classes["hands"]}>
        <Hand
          label="Restart"
          icon={<IconRefresh size={14} />}
          about={`Starts ${name} again, with what it had on disk`}
          why={why("restart")}
          onClick={() => void act({ do: "restart", node: name, keepsDisk: true }, `${name} starts again`)}
        />
      </div>
    );
  return (
    <div className={classes["hands"]}>
      {state === "paused" ? (
        <Hand
          label="Resume"
          icon={<IconPlayerPlay size={14} />}
          about={`Lets ${name} go on`}
          why={why("resume")}
          onClick={() => void act({ do: "resume", node: name }, `${name} goes on`)}
        />
      ) : (
        <Hand
          label="Hang"
          icon={<IconHandStop size={14} />}
          about={`Stops ${name} where it stands: its connections stay open, and nothing is answered`}
          why={why("pause")}
          onClick={() => void act({ do: "pause", node: name }, `${name} hangs`)}
        />
      )}
      {role !== "seed" && (
        <Hand
          label="Leave"
          icon={<IconDoorExit size={14} />}
          about={`${name} says goodbye and goes`}
          why={why("leave")}
          onClick={() => void act({ do: "leave", node: name }, `${name} has left`)}
        />
      )}
      {/* Last: where it was pressed nothing else appears when the node is gone. */}
      <Hand
        label="Kill"
        icon={<IconSkull size={14} />}
        isFinal
        about={`Ends ${name} without a word to anybody, as kill -9 does`}
        why={why("crash")}
        onClick={() => void act({ do: "crash", node: name }, `${name} was killed`)}
      />
    </div>
  );
}

/** For the whole network: publish, add peers, partition or heal, links. */
export function NetworkHands() {
  const timeline = useLiveTimeline(2);
  const act = useAct();
  const why = useWhyNot();
  const isDisturbed = timeline.latest.disturbances.length > 0;
  return (
    <div className={classes["hands"]} role="toolbar" aria-label="Do something to the network">
      <Form
        label="Publish"
        icon={<IconSend size={14} />}
        about="Lets a peer publish a message"
        why={why("publish")}
      >
        {(close) => <PublishForm close={close} />}
      </Form>
      <Form label="Add peers" icon={<IconUserPlus size={14} />} about="Lets new peers join" why={why("join")}>
        {(close) => <JoinForm close={close} />}
      </Form>
      {isDisturbed ? (
        <Hand
          label="Heal"
          icon={<IconRefresh size={14} />}
          about="Ends all partitions and cuts"
          why={why("heal")}
          onClick={() => void act({ do: "heal" }, "All partitions and cuts have ended")}
        />
      ) : (
        <Form
          label="Partition"
          icon={<IconPlugConnectedX size={14} />}
          about="Splits the network in two parts that do not hear each other"
          why={why("partition")}
        >
          {(close) => <PartitionForm close={close} />}
        </Form>
      )}
      <Form
        label="Links"
        icon={<IconWaveSine size={14} />}
        about="Changes loss and latency of all links"
        why={why("links")}
      >
        {(close) => <LinksForm close={close} />}
      </Form>
    </div>
  );
}

interface FormProps extends Omit<HandProps, "onClick" | "isFinal" | "isOpen" | "ref"> {
  readonly children: (close: () => void) => ReactNode;
}

function Form({ children, ...hand }: FormProps) {
  const [isOpen, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <Popover
      opened={isOpen}
      onChange={setOpen}
      trapFocus
      withArrow
      shadow="md"
      position="bottom-end"
      width={280}
    >
      <Popover.Target>
        <Hand {...hand} isOpen={isOpen} onClick={() => setOpen(!isOpen)} />
      </Popover.Target>
      <Popover.Dropdown aria-label={hand.about}>{isOpen && children(close)}</Popover.Dropdown>
    </Popover>
  );
}

interface Closing {
  readonly close: () => void;
}

function Fields(props: {
  readonly submit: string;
  readonly onSubmit: () => void;
  readonly children: ReactNode;
}) {
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    props.onSubmit();
  };
  return (
    <form className={classes["form"]} onSubmit={onSubmit}>
      {props.children}
      <Button type="submit" size="xs">
        {props.submit}
      </Button>
    </form>
  );
}

function PublishForm({ close }: Closing) {
  const act = useAct();
  const timeline = useTimeline();
  const [text, setText] = useState("hello");
  const [from, setFrom] = useState<string>(anyPeer);
  const submit = () => {
    const name = publisherOf(timeline.latest, from, Math.random());
    if (name === undefined) return;
    close();
    void act({ do: "publish", from: name, text }, `${name} publishes “${text}”`);
  };
  const peers = peersOf(timeline.latest);
  return (
    <Fields submit="Publish" onSubmit={submit}>
      <TextInput
        data-autofocus
        size="xs"
        label="Text"
        maxLength={500}
        required
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Select
        size="xs"
        label="From"
        searchable
        limit={50}
        nothingFoundMessage="There is no such peer"
        allowDeselect={false}
        data={[anyPeer, ...peers]}
        value={from}
        onChange={(value) => setFrom(value ?? anyPeer)}
        comboboxProps={{ withinPortal: false }}
      />
    </Fields>
  );
}

function JoinForm({ close }: Closing) {
  const act = useAct();
  const [count, setCount] = useState<number | string>(1);
  const submit = () => {
    close();
    void act({ do: "join", count: Number(count) }, count === 1 ? "A peer joins" : `${count} peers join`);
  };
  return (
    <Fields submit="Add" onSubmit={submit}>
      <NumberInput
        data-autofocus
        size="xs"
        label="How many peers"
        min={1}
        max={1000}
        allowDecimal={false}
        required
        value={count}
        onChange={setCount}
      />
    </Fields>
  );
}

function PartitionForm({ close }: Closing) {
  const act = useAct();
  const [percent, setPercent] = useState(50);
  const submit = () => {
    close();
    void act(
      { do: "partition", share: percent / 100 },
      `${percent} % of the nodes are cut off from the others`,
    );
  };
  return (
    <Fields submit="Split" onSubmit={submit}>
      <Sliding
        label="Nodes in the smaller part"
        unit="%"
        min={5}
        max={50}
        step={5}
        value={percent}
        onChange={setPercent}
      />
    </Fields>
  );
}

/** Only what somebody moves is changed: of a live network nobody knows how long its links take by themselves. */
function LinksForm({ close }: Closing) {
  const act = useAct();
  const { hello, picture } = useTimeline();
  const now = linksNow({ ...hello?.about.links, ...picture.linkSettings }, hello?.world);
  const [lossPercent, setLoss] = useState<number>();
  const [latencyMs, setLatency] = useState<number>();
  const submit = () => {
    const changes = [
      ...(lossPercent === undefined ? [] : [`lose ${lossPercent} %`]),
      ...(latencyMs === undefined ? [] : [`take ${latencyMs} ms`]),
    ];
    if (changes.length === 0) return;
    close();
    const set = {
      ...(lossPercent === undefined ? {} : { loss: lossPercent / 100 }),
      ...(latencyMs === undefined ? {} : { latency: { model: "constant" as const, ms: latencyMs } }),
    };
    void act({ do: "links", set }, `All links ${changes.join(" and ")} from now on`);
  };
  return (
    <Fields submit="Change all links" onSubmit={submit}>
      <Sliding
        label="Loss"
        unit="%"
        min={0}
        max={50}
        step={1}
        now={now.lossPercent}
        value={lossPercent}
        onChange={setLoss}
      />
      <Sliding
        label="Latency"
        unit="ms"
        min={0}
        max={500}
        step={5}
        now={now.latencyMs}
        value={latencyMs}
        onChange={setLatency}
      />
    </Fields>
  );
}

interface SlidingProps {
  readonly label: string;
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** As it is, where that is known. */
  readonly now?: number | undefined;
  /** Undefined: left as it is. */
  readonly value: number | undefined;
  readonly onChange: (value: number) => void;
}

function Sliding({ label, unit, now, value, onChange, ...range }: SlidingProps) {
  const unmoved = now === undefined ? "as it is" : `${now} ${unit} now`;
  return (
    <div>
      <div className={classes["sliding"]}>
        <Text size="xs" fw={500}>
          {label}
        </Text>
        <Text size="xs" ff="monospace">
          {value === undefined ? unmoved : `${value} ${unit}`}
        </Text>
      </div>
      <Slider
        {...range}
        size="sm"
        label={null}
        thumbLabel={`${label} in ${unit}`}
        value={value ?? now ?? range.min}
        onChange={onChange}
      />
    </div>
  );
}
