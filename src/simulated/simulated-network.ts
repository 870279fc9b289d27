/**
 * A whole network in virtual time: the stacks that run live, on `Simulation`. What `grapevine simulate
 * classic` runs, and what simulated scenarios and campaigns disturb.
 */
import {
  identityOf,
  type KeyedNode,
  keyedNode,
  type Millis,
  type NodeId,
  type Persist,
  type Proof,
  type Signatures,
  type Tagged,
  type Typed,
  trustEverybody,
  UsageError,
} from "../core/index.ts";
import type { MapEntry } from "../dissemination/anti-entropy-messages.ts";
import type { Gossip } from "../dissemination/messages.ts";
import type { ListEntry } from "../membership/messages.ts";
import type { StoredPeer } from "../membership/seed-registry.ts";
import { datagramTypes } from "../membership/swim-messages.ts";
import {
  leastDegree,
  makePeer,
  makeSeed,
  membershipLayerOf,
  type Peer,
  type ProfileOptions,
  type RestoredRouting,
  type Seed,
} from "../profiles/index.ts";
import { type LinkSettings, type MessageCodec, Simulation } from "../simulator/index.ts";
import { isConnected } from "../theory/graph-measures.ts";
import { contactOf } from "./simulated-contact.ts";
import { diskMs, SimulatedDisk } from "./simulated-disk.ts";
import { SimulatedSignatures } from "./simulated-signatures.ts";

/** A goodbye that has not spread by then goes without being heard. */
const leavingMs = 5000;

type Notice = Typed & Record<string, any>;

export interface SimulatedNetworkConfig {
  readonly seed: number;
  readonly seeds: number;
  /** How many peers there can ever be; default: as many as join. */
  readonly maxPeers: number;
  readonly links?: Partial<LinkSettings>;
  readonly options?: ProfileOptions;
  /** Options of single nodes, beyond those of all. */
  readonly optionsOf?: (name: string) => ProfileOptions | undefined;
  /** Every message goes through it, as it does through that of the wire; nodes are contacts then, and no numbers. */
  readonly codec?: MessageCodec<Tagged>;
  /** Bytes of a message, where there is no codec: for links with limited bandwidth, and for who counts messages. */
  readonly sizeOf?: (message: Tagged) => number;
  /** Nodes are contacts without a codec, too: whoever counts bytes needs messages as they are on the wire. */
  readonly hasContacts?: boolean;
  /** How long a proof is, for who counts bytes: live 96 bytes, and 160 in a cluster with an authority. Default 0. */
  readonly proofBytes?: number;
  /** Nodes find again what they had on disk. Costs memory: what all of them keep is kept twice. */
  readonly keepsDisks?: boolean;
  /** For worlds with liars: origins sign, and a signature by somebody else is worth nothing. */
  readonly hasLiars?: boolean;
  readonly onNotice?: (at: Millis, row: number, layer: string, notice: Notice) => void;
}

export class SimulatedNetwork {
  readonly simulation: Simulation;
  readonly config: SimulatedNetworkConfig;
  /** The living, by row, in the order in which they started. */
  readonly peers = new Map<number, Peer>();
  readonly seeds = new Map<number, Seed>();
  readonly #names: string[] = [];
  readonly #rows = new Map<string, number>();
  readonly #disks = new Map<number, SimulatedDisk>();
  readonly #seedIds: readonly NodeId[];
  readonly #proof: Proof | undefined;
  /** Where nodes that are numbers are in the id space; made when somebody asks. */
  readonly #places: KeyedNode[] = [];
  #nextPeer = 1;

  constructor(config: SimulatedNetworkConfig) {
    const { seed, seeds, maxPeers, links, codec, sizeOf, hasContacts = codec !== undefined } = config;
    if (seeds < 1) throw new UsageError(`seeds: ${seeds} is less than 1`);
    this.config = config;
    this.#proof = config.proofBytes === undefined ? undefined : new Uint8Array(config.proofBytes);
    this.simulation = new Simulation({
      seed,
      rows: seeds + maxPeers,
      links,
      codec,
      sizeOf,
      isDatagram,
      idOf: hasContacts ? contactOf : undefined,
      onNotice: (row, notice, at) => this.#onNotice(row, notice, at),
      onUndeliverable: (from, to, reason) => this.#onUndeliverable(from, to, reason),
    });
    for (let row = 0; row < seeds; row++) this.#name(row, `seed-${row + 1}`);
    this.#seedIds = Array.from({ length: seeds }, (_, row) => this.simulation.idOf(row));
  }

  // ---- Names ----

  get time(): Millis {
    return this.simulation.time;
  }
  nameOf(row: number): string {
    return this.#names[row] ?? String(row);
  }
  rowOf(name: string): number | undefined {
    return this.#rows.get(name);
  }
  /** Everybody who was ever there, in the order of rows. */
  get names(): readonly string[] {
    return this.#names;
  }
  isSeed(row: number): boolean {
    return row < this.config.seeds;
  }

  #name(row: number, name: string): void {
    if (this.#rows.has(name)) throw new UsageError(`name: there is a "${name}" already`);
    this.#names[row] = name;
    this.#rows.set(name, row);
  }

  // ---- Starting and ending ----

  startSeeds(): void {
    for (let row = 0; row < this.config.seeds; row++) this.startSeed(row);
  }

  /** Starts a seed; after a crash with what it had on disk, or empty. */
  startSeed(row: number, keepsDisk = true): Seed {
    const disk = this.#diskOf(row, keepsDisk);
    const seed = makeSeed({
      self: this.simulation.idOf(row),
      otherSeeds: this.#seedIds.filter((_, other) => other !== row),
      incarnation: this.#nextIncarnation(disk, "membership"),
      since: this.time,
      signatures: this.#signaturesOf(row),
      restored: disk?.below<StoredPeer>("introduction/peer/"),
      contacts: disk?.read<readonly ListEntry[]>("membership/contacts"),
      options: this.#optionsOf(row),
    });
    this.seeds.set(row, seed);
    this.simulation.host(row, seed.stack);
    return seed;
  }

  /** A new peer joins. Returns its row. Throws `UsageError` if there is no room for it. */
  addPeer(name?: string): number {
    const row = this.reserve(name);
    this.startPeer(row);
    return row;
  }

  /** Gives a row to a peer, or to whoever else is to be there, that is started later. */
  reserve(name?: string): number {
    while (name === undefined && this.#rows.has(`peer-${this.#nextPeer}`)) this.#nextPeer++;
    const row = this.#names.length;
    if (row >= this.simulation.rows)
      throw new UsageError(
        `maxPeers: there is room for ${this.config.maxPeers} peers, and they are all there`,
      );
    this.#name(row, name ?? `peer-${this.#nextPeer++}`);
    return row;
  }

  /** Starts a peer; after a crash with what it had on disk, or without. */
  startPeer(row: number, keepsDisk = true): Peer {
    const disk = this.#diskOf(row, keepsDisk);
    const layer = membershipLayerOf(this.#optionsOf(row));
    const gossip = disk?.below<Gossip>("broadcast/gossip/");
    const peer = makePeer({
      name: this.nameOf(row),
      self: this.simulation.idOf(row),
      keyedNode: this.#keyedNode,
      seeds: this.#seedIds,
      incarnation: this.#nextIncarnation(disk, layer),
      since: this.time,
      signatures: this.#signaturesOf(row),
      contacts: disk?.read<readonly ListEntry[]>(`${layer}/contacts`),
      restored: gossip?.sort((a, b) => a.statement.at - b.statement.at),
      restoredState: disk?.below<MapEntry>("state/entry/"),
      restoredRouting: disk === undefined ? undefined : restoredRouting(disk),
      options: this.#optionsOf(row),
    });
    this.peers.set(row, peer);
    this.simulation.host(row, peer.stack);
    return peer;
  }

  /** Above all that an earlier life has used. */
  #nextIncarnation(disk: SimulatedDisk | undefined, layer: string): number {
    const key = `${layer}/incarnation`;
    const incarnation = Math.max((disk?.read<number>(key) ?? 0) + 1, this.time + 1);
    disk?.write(key, incarnation);
    return incarnation;
  }

  /** kill -9. */
  crash(row: number): void {
    this.simulation.crash(row);
    this.peers.delete(row);
    this.seeds.delete(row);
    this.#closeLinks(row);
  }

  /**
   * The machine closes the streams of a process that is gone, and who held links to it learns it. The classic profile
   * would not ask any sooner for that: its heartbeat has its own time.
   */
  #closeLinks(row: number): void {
    const { links } = this.simulation;
    if (links.settings.kind !== "stream") return;
    const gone = this.simulation.idOf(row);
    for (const [neighbor, { profile, view, whenLinkLost }] of this.peers) {
      if (profile === "classic" || !view.has(gone)) continue;
      const afterMs = links.transitMs(row, neighbor, 0, this.time);
      if (afterMs < 0) continue;
      for (const command of whenLinkLost(gone)) this.simulation.command(neighbor, command, afterMs);
    }
  }

  /** Says goodbye, and goes when that has had time to travel. */
  leave(row: number): void {
    const leaver = this.peers.get(row) ?? this.seeds.get(row)!;
    const { membershipLayer } = leaver;
    this.simulation.command(row, tagged(membershipLayer, { type: "leave" }));
    // A registration sends all its goodbyes at once; a membership spreads them, and says when it has.
    this.simulation.at(this.time + (leaver.profile === "classic" ? 1 : leavingMs), () =>
      this.#end(row, leaver),
    );
  }

  #end(row: number, node: Peer | Seed): void {
    if (this.peers.get(row) === node || this.seeds.get(row) === node) this.crash(row);
  }

  /** Publishes at the end of what is under way. */
  publish(row: number, payloads: readonly string[]): void {
    this.simulation.command(row, tagged("broadcast", { type: "publish", payloads }));
  }

  /** Every peer begins to generate its messages. */
  begin(rows: Iterable<number> = this.peers.keys()): void {
    for (const row of rows) this.simulation.command(row, tagged("source", { type: "begin" }));
  }

  // ---- Looking at it ----

  /** Neighbors of each living peer by index among the living; a link counts if both ends have it. */
  adjacency(): number[][] {
    const index = new Map([...this.peers.keys()].map((row, i) => [this.simulation.idOf(row), i]));
    const peers = [...this.peers.entries()];
    return peers.map(([row, { view }]) => {
      const own = this.simulation.idOf(row);
      return view.neighbors.flatMap((neighbor) => {
        const other = index.get(neighbor);
        return other !== undefined && peers[other]![1].view.has(own) ? [other] : [];
      });
    });
  }

  get isConnected(): boolean {
    return isConnected(this.adjacency());
  }

  /** Everybody is registered with as many seeds as it wants, has neighbors, and the overlay is one piece. */
  get isFormed(): boolean {
    const enough = Math.min(leastDegree(this.config.options), this.peers.size - 1);
    for (const { isJoined, view } of this.peers.values()) {
      if (!isJoined || view.neighbors.length < enough) return false;
    }
    return this.isConnected;
  }

  /** Runs until the condition holds, looking every `everyMs`. False if the time limit came first. */
  runUntil(condition: () => boolean, limitMs: Millis, everyMs: Millis = 100): boolean {
    const deadline = this.time + limitMs;
    while (!condition()) {
      if (this.time >= deadline) return false;
      this.simulation.run(Math.min(deadline, this.time + everyMs));
    }
    return true;
  }

  // ---- Between the stacks and the world ----

  #onNotice(row: number, { layer, body }: Tagged, at: Millis): void {
    if (body.type === "persist") this.#persist(row, layer, body as Persist);
    if (body.type === "left" && layer === "membership") {
      const leaver = this.peers.get(row) ?? this.seeds.get(row)!;
      this.simulation.at(at + 1, () => this.#end(row, leaver));
    }
    this.config.onNotice?.(at, row, layer, body as Notice);
  }

  #persist(row: number, layer: string, { key, value, isAwaited }: Persist): void {
    const disk = this.#disks.get(row);
    if (isAwaited) {
      // On disk when the command says so, not before: a crash in between loses it.
      const life = this.simulation.protocolOf(row);
      this.simulation.at(this.time + diskMs, () => {
        if (!this.simulation.isAlive(row) || this.simulation.protocolOf(row) !== life) return;
        disk?.write(`${layer}/${key}`, value);
        this.simulation.command(row, tagged(layer, { type: "persisted", key }));
      });
    } else disk?.write(`${layer}/${key}`, value);
  }

  #onUndeliverable(from: number, to: number, reason: "dead" | "reset"): void {
    const sender = this.peers.get(from);
    const other = this.simulation.idOf(to);
    const wasLink =
      sender !== undefined && !this.isSeed(to) && (reason === "reset" || sender.view.has(other));
    const node = sender ?? this.seeds.get(from);
    const commands = wasLink ? sender.whenLinkLost(other) : (node?.whenUnreachable(other) ?? []);
    for (const command of commands) this.simulation.command(from, command);
  }

  #diskOf(row: number, keeps: boolean): SimulatedDisk | undefined {
    if (this.config.keepsDisks !== true) return undefined;
    let disk = this.#disks.get(row);
    if (disk === undefined || !keeps) {
      disk = new SimulatedDisk();
      this.#disks.set(row, disk);
    }
    return disk;
  }

  readonly #keyedNode = (node: NodeId): KeyedNode => {
    if (typeof node === "string") return keyedNode(node);
    this.#places[node] ??= { node, key: String(identityOf(contactOf(node))) };
    return this.#places[node];
  };

  #optionsOf(row: number): ProfileOptions | undefined {
    const { options, optionsOf } = this.config;
    return optionsOf?.(this.nameOf(row)) ?? options;
  }

  #signaturesOf(row: number): Signatures<unknown> {
    if (this.config.hasLiars === true) return new SimulatedSignatures(this.simulation.idOf(row));
    return this.#proof === undefined ? trustEverybody : { ...trustEverybody, sign: () => this.#proof! };
  }
}

/** As live: the membership asks by datagrams, and all else goes over links. */
function isDatagram({ layer, body }: Tagged): boolean {
  return layer === "membership" && datagramTypes.has(body.type);
}

function tagged(layer: string, body: Typed & Record<string, any>): Tagged {
  return { layer, body };
}

function restoredRouting(disk: SimulatedDisk): RestoredRouting {
  return {
    kademlia: disk.read("kademlia/table"),
    chord: disk.read("chord/table"),
    pastry: disk.read("pastry/table"),
    records: disk.below("store/"),
  };
}
