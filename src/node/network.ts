/**
 * The library's face: one peer of a network, with messages and membership as async iterators.
 */
import {
  type Evidence,
  formatContact,
  hostOf,
  identityOf,
  type MemberState,
  type NodeId,
  portOf,
  UsageError,
} from "../core/index.ts";
import type { MessageId, Payload } from "../dissemination/messages.ts";
import type { ProfileName } from "../profiles/index.ts";
import type { Address } from "../transport/index.ts";
import { loadNodeFolder } from "./cluster.ts";
import { createIdentity, type Identity } from "./identity.ts";
import type { LookupCallOptions, LookupRun } from "./lookups.ts";
import { GrapevineNode, type MemberStateOf, type NodeOptions, type Security, type Tags } from "./node.ts";
import type { CoverageEstimate, PublishOptions, PublishOutcome } from "./publications.ts";
import type { DeleteOptions, FoundRecord, GetOptions, OperationResult, PutOptions } from "./records.ts";
import { parseAddress, readSeedFile } from "./seed-file.ts";
import { checkSections } from "./settings.ts";
import type { SharedState } from "./shared-state.ts";

export interface JoinOptions {
  /** The folder that `grapevine cluster add` made: key, certificate, config.txt. */
  readonly folder?: string;
  /** Seeds as `IP:port`; default: config.txt of the folder. */
  readonly seeds?: readonly string[];
  /** No TLS, and no folder needed. */
  readonly plaintext?: boolean;
  /** Where to listen; default: 127.0.0.1 and a free port. */
  readonly listen?: { readonly host: string; readonly port?: number };
  /** The host that others are told, where it differs from the one listened on. */
  readonly advertise?: string;
  readonly name?: string;
  /** Nodes of other cluster names are refused; default: "grapevine". */
  readonly cluster?: string;
  /** Where the peer remembers itself; default: `data` in the folder, nowhere without one. */
  readonly dataFolder?: string;
  /** Which protocols: default "classic". The same as `options: { stack: { profile } }`. */
  readonly profile?: ProfileName;
  /** Modern profile: what this peer says of itself to all members: at most 16 texts. */
  readonly tags?: Tags;
  /** Tunables by part, as in the config file. A library peer generates no messages of its own unless told to. */
  readonly options?: NodeOptions;
  /** An identity and authority made by the program itself, instead of a folder. */
  readonly identity?: Identity;
  readonly security?: Security;
}

export interface Member {
  /** 40 hexadecimal digits: the first 160 bits of SHA-256 of the public key. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
}

export interface Message {
  readonly from: Member;
  /** Counts the origin's messages from 0 in each of its lives. */
  readonly sequence: number;
  readonly sentAt: Date;
  readonly topic?: string;
  /** The text, or the bytes as UTF-8. */
  readonly text: string;
  readonly payload: Payload;
}

export interface MembershipEvent {
  /** `up`, `suspected` and `cleared` come under the modern profile only. */
  readonly type: "neighbor-up" | "neighbor-down" | "up" | "suspected" | "cleared" | "dead" | "left";
  readonly member: Member;
}

/** A key of the shared state has another value. */
export interface StateChange {
  readonly key: string;
  /** Undefined if it was deleted. */
  readonly value: Payload | undefined;
  /** The id of the member that wrote or deleted it; undefined if nobody remembers. */
  readonly writer: string | undefined;
  /** By the writer's clock. */
  readonly at: Date | undefined;
}

const mostRoutingMs = 10_000;
/** As many as replicas of a record, with which a lookup finds the others. */
const enoughContacts = 8;

/** Messages and events waiting for a slow consumer; beyond it the oldest are dropped. */
const maxWaiting = 10_000;

/**
 * Joins a network as a peer. Resolves once a seed has taken the peer up, or at once where earlier contacts are known;
 * with a router, once that knows others too.
 * Throws `UsageError` for options that cannot be used; with seeds that do not answer it goes on trying, for ever.
 */
export async function join(options: JoinOptions): Promise<Network> {
  checkNames(options);
  checkSections(options.options ?? {});
  const { identity, security, seeds, dataFolder } = resolve(options);
  const node = await GrapevineNode.start({
    role: "peer",
    name: options.name ?? options.folder?.replace(/\/+$/, "").split("/").pop() ?? "peer",
    identity,
    security,
    cluster: options.cluster,
    listen: { host: options.listen?.host ?? "127.0.0.1", port: options.listen?.port ?? 0 },
    advertise: options.advertise,
    seeds,
    dataFolder,
    tags: options.tags,
    options: {
      ...options.options,
      ...(options.profile === undefined ? {} : { stack: { profile: options.profile } }),
      source: { messages: 0, ...options.options?.source },
    },
  });
  const network = new Network(node);
  if (node.members().length === 0) await network.registered();
  await network.routed();
  return network;
}

/** What `join` knows; the compiler sees to it that nothing is missing. */
const joinOptionNames: Readonly<Record<keyof JoinOptions, true>> = {
  folder: true,
  seeds: true,
  plaintext: true,
  listen: true,
  advertise: true,
  name: true,
  cluster: true,
  dataFolder: true,
  profile: true,
  tags: true,
  options: true,
  identity: true,
  security: true,
};

function checkNames(options: JoinOptions): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(joinOptionNames, name)) continue;
    throw new UsageError(
      `${name}: there is no such option; there are ${Object.keys(joinOptionNames).join(", ")}. Tunables go into options, by section: options: { broadcast: { method: "rumor" } }`,
    );
  }
}

function resolve(options: JoinOptions) {
  const { folder, plaintext } = options;
  const given = options.seeds?.map((text) => parseAddress(text, "seeds"));
  if (options.identity !== undefined && options.security !== undefined) {
    return {
      identity: options.identity,
      security: options.security,
      seeds: needSeeds(given),
      dataFolder: options.dataFolder,
    };
  }
  if (plaintext) {
    const security: Security = { type: "plaintext" };
    return { identity: createIdentity(), security, seeds: needSeeds(given), dataFolder: options.dataFolder };
  }
  if (folder === undefined) {
    throw new UsageError(
      "folder: missing; make one with `grapevine cluster add`, or join with plaintext: true",
    );
  }
  const { identity, caPem, memberKey, configPath } = loadNodeFolder(folder);
  const security: Security = { type: "tls", caPem, memberKey };
  return {
    identity,
    security,
    seeds: given ?? readSeedFile(configPath),
    dataFolder: options.dataFolder ?? `${folder}/data`,
  };
}

function needSeeds(seeds: Address[] | undefined): Address[] {
  if (seeds === undefined || seeds.length === 0)
    throw new UsageError('seeds: missing; give addresses such as ["127.0.0.1:8080"]');
  return seeds;
}

/** What a peer says when somebody has introduced it, in either profile; or that it never will be. */
const ends = new Set(["list-received", "membership-joined", "stopped"]);

export class Network {
  readonly node: GrapevineNode;

  constructor(node: GrapevineNode) {
    this.node = node;
  }

  /** This peer itself. */
  get self(): Member {
    return memberOf(this.node.contact);
  }

  /** Resolves once at least one seed has taken this peer up. */
  async registered(): Promise<void> {
    const { node } = this;
    if (node.peer!.introducers.length > 0) return;
    await new Promise<void>((resolve) => {
      const stop = node.onNotice((_at, _layer, notice) => {
        if (!ends.has(notice.type)) return;
        stop();
        resolve();
      });
    });
  }

  /**
   * Resolves once the router knows a few of those whom the membership knows, so that lookups and the store find more than
   * this peer itself; at once without a router. Waits 10 s at most: the store refuses then what it cannot promise.
   */
  async routed(): Promise<void> {
    const { node } = this;
    const deadline = Date.now() + mostRoutingMs;
    const isRouted = () =>
      node.router === undefined ||
      (node.router.hasJoined && node.router.size >= Math.min(enoughContacts, node.members().length));
    while (!isRouted() && node.isRunning && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Everybody that this peer has heard of, without itself. */
  members(): Member[] {
    return this.node.members().map(({ peer }) => memberOf(peer));
  }

  /** Modern profile: everybody that is remembered, with what is thought of them and what they say of themselves. */
  memberStates(): (Member & Omit<MemberStateOf, "peer" | "since">)[] {
    return (this.node.memberStates() ?? []).map(({ peer, role, state, tags }) => ({
      ...memberOf(peer),
      ...{ role, state, tags },
    }));
  }

  /** Modern profile: from now on this peer says this of itself to all members. */
  setTags(tags: Tags): void {
    this.node.setTags(tags);
  }

  /** The peers to which there is a link. */
  neighbors(): Member[] {
    return this.node.neighbors().map(({ peer }) => memberOf(peer));
  }

  /** Spreads a text or bytes (at most 64 KiB) to all peers. See `GrapevineNode.publish`. */
  publish(payload: Payload, options?: PublishOptions): Promise<PublishOutcome> {
    return this.node.publish(payload, options);
  }

  /** Resolves when nothing that is said from now on is lost. See `GrapevineNode.ready`. */
  ready(patienceMs?: number): Promise<void> {
    return this.node.ready(patienceMs);
  }

  /** How many have a message, by asking a sample. See `GrapevineNode.coverage`. */
  coverage(id: MessageId, samples?: number): Promise<CoverageEstimate> {
    return this.node.coverage(id, samples);
  }

  /** From now on only messages of these topics, and those without one, are heard here. */
  subscribe(...topics: string[]): void {
    this.node.subscribe(...topics);
  }
  unsubscribe(...topics: string[]): void {
    this.node.unsubscribe(...topics);
  }

  /** What this peer's failure detector thinks of a member, and why. */
  why(member: Member): { readonly state: MemberState; readonly evidence: readonly Evidence[] } {
    if (member?.id === undefined)
      throw new UsageError("member: give one of network.members() or network.neighbors()");
    return this.node.why(formatContact(member.id, member.host, member.port));
  }

  /** Messages of others from now on, each once, until the peer leaves or the loop is broken. */
  messages(): AsyncIterableIterator<Message> {
    return this.#listen((_layer, notice) => (notice["type"] === "delivered" ? messageOf(notice) : undefined));
  }

  /** Links that come and go, peers that died or left, from now on. */
  events(): AsyncIterableIterator<MembershipEvent> {
    return this.#listen((_layer, notice) => {
      switch (notice["type"]) {
        case "neighbor-up":
        case "neighbor-down":
          return { type: notice["type"], member: memberOf(notice["neighbor"]) };
        case "dead-node":
          return { type: "dead", member: memberOf(notice["suspect"]) };
        case "member-failed":
          return { type: "dead", member: memberOf(notice["peer"]) };
        case "member-up":
          return { type: "up", member: memberOf(notice["peer"]) };
        case "member-suspected":
          return { type: "suspected", member: memberOf(notice["peer"]) };
        case "member-cleared":
          return { type: "cleared", member: memberOf(notice["peer"]) };
        case "peer-left":
          return { type: "left", member: memberOf(notice["peer"]) };
        default:
          return undefined;
      }
    });
  }

  /** Small state that all peers share: any peer may set any key, and the latest write wins everywhere. */
  get state(): SharedState {
    return this.node.state;
  }

  /** Keys of the shared state that change from now on, here or elsewhere. */
  stateChanges(): AsyncIterableIterator<StateChange> {
    return this.#listen((_layer, notice) => {
      if (notice["type"] !== "state-changed") return undefined;
      const { key, value, writer, at } = notice;
      return { key, value, writer, at: at === undefined ? undefined : new Date(at) };
    });
  }

  /**
   * Looks for the members that are responsible for a key: 40 hexadecimal digits, or a name whose hash is the key. Needs a
   * router: `join({ options: { lookup: { router: "kademlia" } } })`. See `GrapevineNode.lookup`.
   */
  lookup(key: string, options?: LookupCallOptions): LookupRun {
    return this.node.lookup(key, options);
  }

  /** Has the responsible members keep a value under a name, on their disks. See `GrapevineNode.put`. */
  put(name: string, value: Payload, options?: PutOptions): Promise<OperationResult> {
    return this.node.put(name, value, options);
  }

  /** What was put last under that name, by any member; undefined if there is nothing. */
  get(name: string, options?: GetOptions): Promise<FoundRecord | undefined> {
    return this.node.get(name, options);
  }

  /** False if there was nothing to delete. */
  delete(name: string, options?: DeleteOptions): Promise<boolean> {
    return this.node.delete(name, options);
  }

  /** Says goodbye and stops; ends all iterators. */
  leave(): Promise<void> {
    return this.node.leave();
  }

  #listen<T>(
    select: (layer: string, notice: Record<string, any>) => T | undefined,
  ): AsyncIterableIterator<T> {
    const waiting: T[] = [];
    /** Of every `next` that waits: more than one may be called before the first has its value. */
    let sleepers: (() => void)[] = [];
    const wake = () => {
      const woken = sleepers;
      sleepers = [];
      for (const resolve of woken) resolve();
    };
    let hasEnded = !this.node.isRunning;
    const stop = this.node.onNotice((_at, layer, notice) => {
      if (notice.type === "stopped") hasEnded = true;
      else {
        const value = select(layer, notice);
        if (value === undefined) return;
        if (waiting.length >= maxWaiting) waiting.shift();
        waiting.push(value);
      }
      wake();
    });
    const end = async (): Promise<IteratorResult<T>> => {
      hasEnded = true;
      stop();
      wake();
      return { done: true, value: undefined };
    };
    return {
      async next() {
        while (waiting.length === 0 && !hasEnded) {
          await new Promise<void>((resolve) => {
            sleepers.push(resolve);
          });
        }
        const value = waiting.shift();
        return value === undefined ? end() : { done: false, value };
      },
      return: end,
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}

function memberOf(contact: NodeId): Member {
  return { id: String(identityOf(contact)), host: hostOf(contact), port: portOf(contact) };
}

function messageOf(notice: Record<string, any>): Message {
  const payload = notice["payload"] as Payload;
  return {
    from: memberOf(notice["origin"]),
    sequence: notice["sequence"],
    sentAt: new Date(notice["at"]),
    ...(notice["topic"] === undefined ? {} : { topic: notice["topic"] }),
    text: typeof payload === "string" ? payload : new TextDecoder().decode(payload),
    payload,
  };
}
