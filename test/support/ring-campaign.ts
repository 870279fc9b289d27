/** A ring of Chord nodes under random joins and crashes, with the invariant checked after every change of a pointer. */
import {
  type KeyedNode,
  type NodeId,
  type PeerSampler,
  type Protocol,
  type Random,
  sample,
  seededRandom,
} from "../../src/core/index.ts";
import { ChordInvariant, type RingMember } from "../../src/lab/lookup/chord-invariant.ts";
import { KeySpace } from "../../src/lab/lookup/key-space.ts";
import { staticChord } from "../../src/lab/lookup/static-chord.ts";
import type { State } from "../../src/lookup/chord-messages.ts";
import { Simulation } from "../../src/simulator/index.ts";

export type RingProtocol = Protocol<any, any, any, any> & RingMember;

export interface RingPlace {
  readonly self: KeyedNode;
  readonly keyedNode: (node: NodeId) => KeyedNode;
  readonly bootstrap: readonly NodeId[];
  /** All members. */
  readonly sampler: PeerSampler;
  readonly restored: ReturnType<ReturnType<typeof staticChord>> | undefined;
}

export interface RingCampaignConfig {
  readonly seed: number;
  /** L. */
  readonly length: number;
  /** Members of the ring that is there at the beginning; and how many may join. */
  readonly members: number;
  readonly newcomers: number;
  readonly lastsMs: number;
  /**
   * `spaced`: one crash, and no other for `spacingMs`. `invariant`: any crash after which the invariant holds still, for
   * what the members know and for what they are just being told.
   */
  readonly crashes: "spaced" | "invariant";
  readonly spacingMs: number;
  readonly make: (place: RingPlace) => RingProtocol;
}

export interface RingCampaignResult {
  readonly fault: string | undefined;
  readonly faultsWhenCalm: readonly string[];
  readonly joins: number;
  readonly crashes: number;
  readonly changes: number;
}

/** Latencies up to this: time-outs have to be longer than twice it, so that nobody alive is taken for dead. */
export const maxLatencyMs = 30;

export function ringCampaign(config: RingCampaignConfig): RingCampaignResult {
  const { seed, length, members, newcomers, lastsMs, crashes: rule, spacingMs, make } = config;
  const rows = members + newcomers;
  const random = seededRandom(seed);
  const keys = new KeySpace({ seed, rows });
  const founders = new KeySpace({ seed, rows: members });
  const tableOf = staticChord(founders, { successors: length });
  const invariant = new ChordInvariant(length);
  const nodes = new Map<number, RingProtocol>();
  const told = new Set<{ readonly to: NodeId; readonly state: State; readonly from: number }>();
  const result = { joins: 0, crashes: 0, changes: 0 };
  let fault: string | undefined;

  const simulation = new Simulation({
    seed,
    rows,
    links: { latency: { model: "uniform", fromMs: 1, toMs: maxLatencyMs } },
    onNotice: (row, { type }) => {
      if (type !== "ring-changed") return;
      result.changes++;
      invariant.update(nodes.get(row)!);
      fault ??= invariant.fault;
    },
  });

  const start = (row: number, isFounder: boolean) => {
    const self = keys.nodes[row]!;
    const bootstrap = isFounder ? [] : livingMembers().map(([other]) => other);
    const restored = isFounder ? tableOf(row) : undefined;
    const node = make({ self, keyedNode: keys.keyedNode, bootstrap, sampler: samplerOf(row), restored });
    nodes.set(row, node);
    invariant.update(node);
    simulation.host(row, spied(node, row));
  };
  const samplerOf = (row: number): PeerSampler => ({
    get size() {
      return nodes.size;
    },
    sample: (count, random) => {
      const others = livingMembers().filter(([other]) => other !== row);
      return sample(others, count, random).map(([peer]) => ({ peer, since: 0 }));
    },
    get: () => undefined,
  });
  const livingMembers = () => [...nodes].filter(([, { successors }]) => successors.length > 0);

  /** Passes everything on, and remembers which states are on their way. */
  const spied = (inner: RingProtocol, row: number): Protocol<any, any, any, any> => {
    const within = (env: any) => ({
      self: env.self,
      row: env.row,
      now: env.now,
      random: env.random as Random,
      schedule: (after: number, timer: any) => env.schedule(after, timer),
      notify: (notice: any) => env.notify(notice),
      send: (to: NodeId, message: any) => {
        if (message.type === "state") told.add({ to, state: message, from: row });
        env.send(to, message);
      },
    });
    return {
      start: (env) => inner.start(within(env)),
      onCommand: (command, env) => inner.onCommand(command, within(env)),
      onTimer: (timer, env) => inner.onTimer(timer, within(env)),
      onMessage: (from, message, env) => {
        for (const one of told) if (one.state === message && one.to === row) told.delete(one);
        inner.onMessage(from, message, within(env));
      },
    };
  };

  const isListed = (row: number) =>
    [...nodes.values()].some(({ successors }) => successors.some(({ node }) => node === row)) ||
    [...told].some(({ state }) => state.successors.includes(row));

  const listAfter = ({ successors }: RingProtocol, from: number, state: State): readonly NodeId[] => {
    // A newcomer takes the list of the node before it, and not that node.
    if (successors.length === 0) return state.successors;
    // It is on no ring, or was not when it said so: it is dropped.
    if (state.successors.length === 0)
      return successors.map(({ node }) => node).filter((node) => node !== from);
    return [from, ...state.successors].slice(0, length);
  };

  /** Whoever is being told a list may adopt it: somebody in it, or who tells it, has to live then. */
  const leavesWhatIsTold = (row: number) => {
    const isAlive = (node: NodeId) => node !== row && (nodes.get(node as number)?.successors.length ?? 0) > 0;
    for (const { to, from, state } of told) {
      const receiver = nodes.get(to as number);
      if (receiver === undefined) continue;
      if (!listAfter(receiver, from, state).some((node) => node !== to && isAlive(node))) return false;
    }
    // What is on its way may skip somebody who is principal still.
    return invariant.principals > length + 1 + told.size;
  };

  for (let row = 0; row < members; row++) start(row, true);
  let crashedAt = 0;
  let nextRow = members;
  const gone: number[] = [];
  while (simulation.time < lastsMs && fault === undefined) {
    simulation.run(simulation.time + 1 + random.below(150));
    if (random.below(2) === 0 && nextRow < rows && nodes.size < 3 * (length + 1)) {
      // Somebody new, or somebody who was there before and knows nothing of it, and whom nobody takes for the same.
      const missed = gone.findIndex((row) => !isListed(row));
      const [returning] = missed >= 0 && random.below(2) === 0 ? gone.splice(missed, 1) : [];
      start(returning ?? nextRow++, false);
      result.joins++;
      continue;
    }
    const candidates = livingMembers();
    const [row, victim] = candidates[random.below(candidates.length)]!;
    const mayCrash =
      rule === "spaced"
        ? simulation.time - crashedAt >= spacingMs && candidates.length > 2 * length + 2
        : invariant.canLose(victim.self.key) && leavesWhatIsTold(row);
    if (!mayCrash) continue;
    simulation.crash(row);
    nodes.delete(row);
    gone.push(row);
    invariant.remove(victim.self.key);
    crashedAt = simulation.time;
    result.crashes++;
    fault ??= invariant.fault;
  }
  const isCalm = () => livingMembers().length === nodes.size && invariant.faultsWhenCalm(1).length === 0;
  for (let second = 0; second < 60 && fault === undefined && !isCalm(); second++)
    simulation.run(simulation.time + 1000);
  const outside = [...nodes].filter(([, { successors }]) => successors.length === 0);
  const faultsWhenCalm = [
    ...invariant.faultsWhenCalm(),
    ...outside.map(([row]) => `node ${row} is on no ring`),
  ];
  return { fault, faultsWhenCalm, ...result };
}
