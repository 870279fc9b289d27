/**
 * What hostile nodes do to Kademlia's lookups, and what each defence is worth. The attacked nodes are those that run
 * live; the attackers speak the same messages. Every attack is one function: settings and a seed in, figures out.
 *
 *     misroutedNetwork   adversaries answer lookups with nothing, with each other, or with nearer nodes that they invent
 *     eclipsedKey        a few ids right beside a key, which name only each other when they are asked for it
 *     poisonedTable      questions from ids that never answer, to get them into a table
 *     amplification      a question in somebody else's name: what it sends to that one, for each byte of the question
 */
import {
  compareXor,
  type Environment,
  formatContact,
  hashNumbers,
  type Key,
  type KeyedNode,
  keyBits,
  keyFromNumber,
  keyToNumber,
  type LookupReport,
  type Millis,
  type NodeId,
  type Random,
  RecordingEnvironment,
  randomKey,
  seededRandom,
  sharedBits,
} from "../../core/index.ts";
import {
  Kademlia,
  type KademliaConfig,
  type KademliaMessage,
  type KademliaOptions,
  maxNodesPerReply,
} from "../../lookup/index.ts";
import { wireCodec } from "../wire-codec.ts";
import { KeySpace } from "./key-space.ts";
import { LookupNetwork } from "./lookup-network.ts";
import { staticKademlia } from "./static-kademlia.ts";

const links = { latency: { model: "uniform", fromMs: 5, toMs: 40 } } as const;

// ---- Who attacks, and who is careless --------------------------------------------------------------------------------

/** Whom an adversary, itself, names to those who look for a key; undefined: it answers as an honest node would. */
export type FalseAnswer = (key: Key, self: NodeId) => readonly NodeId[] | undefined;

/** Answers pings and keeps contacts like everybody, and misroutes. */
export class Misrouter extends Kademlia {
  readonly #answer: FalseAnswer;

  constructor(config: KademliaConfig, answer: FalseAnswer) {
    super(config);
    this.#answer = answer;
  }

  override onMessage(from: NodeId, message: KademliaMessage, env: Environment<any, any, any>): void {
    if (message.type === "find-node" || message.type === "find-value") {
      const nodes = this.#answer(message.key, this.self.node);
      if (nodes !== undefined) {
        const { nonce } = message;
        if (message.type === "find-node") env.send(from, { type: "find-node-reply", nonce, nodes });
        else env.send(from, { type: "find-value-reply", nonce, nodes, records: [] });
        return;
      }
    }
    super.onMessage(from, message, env);
  }
}

/** Asks its victim again and again, and answers nobody: as if its address were somebody else's. */
export class Knocker extends Kademlia {
  readonly #victim: NodeId;

  constructor(config: KademliaConfig, victim: NodeId) {
    super(config);
    this.#victim = victim;
  }

  override start(env: Environment<any, any, any>): void {
    env.schedule(1 + env.random.below(1000), { type: "upkeep" });
  }

  override onTimer(_: unknown, env: Environment<any, any, any>): void {
    env.send(this.#victim, { type: "find-node", nonce: env.random.uint32(), key: randomKey(env.random) });
    env.schedule(1000, { type: "upkeep" });
  }

  override onMessage(): void {}
}

/** Without the rule that nobody is believed unheard: whoever asks is a contact at once, where there is room. */
export class Credulous extends Kademlia {
  readonly #keyedNode: KademliaConfig["keyedNode"];

  constructor(config: KademliaConfig) {
    super(config);
    this.#keyedNode = config.keyedNode;
  }

  override onMessage(from: NodeId, message: KademliaMessage, env: Environment<any, any, any>): void {
    const contact = this.#keyedNode(from);
    const isStranger = this.table.get(contact.key) === undefined;
    if (message.type === "find-node" && isStranger && this.table.hasRoomFor(contact.key))
      this.table.add(contact, env.now);
    super.onMessage(from, message, env);
  }
}

// ---- Misrouted lookups -----------------------------------------------------------------------------------------------

/**
 * `useless`: they name nobody. `colluding`: those of their own that are nearest to the key. `inventing`: nodes nearer to it
 * than anybody, which they run too; S/Kademlia's puzzles are to make that costly.
 */
export type Misconduct = "useless" | "colluding" | "inventing";

export interface MisroutedSettings {
  readonly seed: number;
  readonly nodes: number;
  readonly k: number;
  readonly alpha: number;
  readonly pace: KademliaOptions["pace"];
  /** Disjoint paths. */
  readonly paths: number;
  /** Each node is one with this probability. */
  readonly adversaries: number;
  readonly conduct: Misconduct;
  readonly lookups: number;
}

export interface MisroutedFigures {
  /** Share of lookups that asked the nearest honest node and were answered: its records would be read. */
  readonly success: number;
  /** Per lookup. */
  readonly asked: number;
  readonly silent: number;
  readonly hops: number;
}

/** Random honest nodes look for random keys in a network with perfect tables. */
export function misroutedNetwork(settings: MisroutedSettings): MisroutedFigures {
  const { seed, nodes, k, alpha, pace, paths, adversaries, conduct, lookups } = settings;
  const random = seededRandom(hashNumbers([seed, 1]));
  const targets = Array.from({ length: lookups }, () => randomKey(random));
  // Behind the nodes come those that are invented: k beside each key.
  const invented = conduct === "inventing" ? lookups * k : 0;
  const real = new KeySpace({ seed, rows: nodes });
  const keys = new KeySpace({
    seed,
    rows: nodes + invented,
    keyOf: (row) => {
      if (row < nodes) return real.nodes[row]!.key;
      const number = row - nodes;
      return nearestTo(targets[Math.floor(number / k)]!, number % k);
    },
  });
  const isHostile = keys.nodes.map((_, row) => row >= nodes || random.unit() < adversaries);
  const targetRows = new Map(targets.map((key, i) => [key, nodes + i * k]));
  const answer: FalseAnswer = (key) => {
    switch (conduct) {
      case "useless":
        return [];
      case "colluding":
        return keys.nearest(key, k, compareXor, ({ node }) => isHostile[node as number]!).map(nodeOf);
      case "inventing": {
        const first = targetRows.get(key);
        return first === undefined ? undefined : keys.nodes.slice(first, first + k).map(nodeOf);
      }
    }
  };
  const options = { k, alpha, pace, disjointPaths: paths, upkeepMs: 0 } as const;
  const shared = { options, settings: { budget: 100 * k }, tellsSteps: false };
  const tableOf = staticKademlia(real, { seed, k });
  const network = new LookupNetwork({
    ...{ seed, rows: nodes + invented, keys, links, isLazy: true },
    tableOf: (row) => (row < nodes ? tableOf(row) : undefined),
    make: (place) =>
      isHostile[place.row]
        ? new Misrouter({ ...place, ...shared }, answer)
        : new Kademlia({ ...place, ...shared }),
  });
  network.startAll();
  const sums = { success: 0, asked: 0, silent: 0, hops: 0 };
  for (const key of targets) {
    const row = someRow(nodes, random, (one) => !isHostile[one]);
    const isWanted = ({ node }: KeyedNode) => !isHostile[node as number] && node !== row;
    const [wanted] = keys.nearest(key, 1, compareXor, isWanted);
    network.lookup(row, key, {}, ({ report }) => {
      if (hasAnswered(report!, wanted?.node)) sums.success++;
      sums.asked += report!.asked;
      sums.silent += report!.silent;
      sums.hops += report!.hops;
    });
    network.finish();
  }
  const { success, asked, silent, hops } = sums;
  return {
    ...{ success: success / lookups, asked: asked / lookups },
    ...{ silent: silent / lookups, hops: hops / lookups },
  };
}

// ---- An eclipsed key -------------------------------------------------------------------------------------------------

export interface EclipseSettings {
  readonly seed: number;
  readonly nodes: number;
  readonly k: number;
  /** Ids beside the key. */
  readonly sybils: number;
  /** Hosts that they are on. Every honest node has one of its own. */
  readonly hosts: number;
  /** Contacts of one host that a node keeps in a bucket; 0: any number. */
  readonly maxPerHostInBucket: number;
  readonly paths: number;
  /** Nodes that a reader looks for: k, or more. */
  readonly count: number;
  readonly lookups: number;
}

export interface EclipseFigures {
  /** Share of lookups that met none of the k honest nodes which have the key's records: a reader finds nothing. */
  readonly reads: number;
  /** Share of lookups whose result has no honest node: a writer stores with nobody else. */
  readonly writes: number;
  /** Per lookup. */
  readonly asked: number;
}

/** Sybils join a network like everybody; then random honest nodes look for the key. */
export function eclipsedKey(settings: EclipseSettings): EclipseFigures {
  const { seed, nodes, k, sybils, hosts, maxPerHostInBucket, paths, count, lookups } = settings;
  const random = seededRandom(hashNumbers([seed, 3]));
  const victim = randomKey(random);
  const nodeKeys = Array.from({ length: nodes }, () => randomKey(random));
  const keyOf = (row: number) => (row < nodes ? nodeKeys[row]! : nearestTo(victim, row - nodes));
  const keys = new KeySpace({ seed, rows: nodes + sybils, keyOf });
  const isSybil = (node: NodeId) => (node as number) >= nodes;
  // Each names the k that come after itself, so that whoever looks on meets all of them.
  const answer: FalseAnswer = (key, self) =>
    sharedBits(key, victim) < beside
      ? undefined
      : Array.from({ length: k }, (_, i) => nodes + (((self as number) - nodes + 1 + i) % sybils));
  const hostOf = (node: NodeId) =>
    isSybil(node) ? `sybils ${((node as number) - nodes) % hosts}` : `honest ${node}`;
  const options = { k, disjointPaths: paths, maxPerHostInBucket };
  const network = new LookupNetwork({
    ...{ seed, rows: nodes + sybils, keys, links, hasMembership: true },
    make: (place) => {
      const config = { ...place, options, hostOf, tellsSteps: false };
      return isSybil(place.row) ? new Misrouter(config, answer) : new Kademlia(config);
    },
  });
  joinAll(network, nodes + sybils, random);
  const holders = keys.nearest(victim, k, compareXor, ({ node }) => !isSybil(node)).map(nodeOf);
  let reads = 0;
  let writes = 0;
  let asked = 0;
  for (let i = 0; i < lookups; i++) {
    // A holder has the record already.
    const row = someRow(nodes, random, (one) => !holders.includes(one));
    network.lookup(row, victim, { count }, ({ report }) => {
      if (!holders.some((holder) => hasAnswered(report!, holder))) reads++;
      if (report!.closest.every(({ node }) => isSybil(node))) writes++;
      asked += report!.asked;
    });
    network.finish();
  }
  return { reads: reads / lookups, writes: writes / lookups, asked: asked / lookups };
}

// ---- A poisoned table ------------------------------------------------------------------------------------------------

export interface PoisonSettings {
  readonly seed: number;
  readonly nodes: number;
  /** Ids that ask and never answer, spread over the buckets that have room. */
  readonly forged: number;
  /** Is nobody believed unheard? */
  readonly isVerifying: boolean;
  readonly forMs: number;
  readonly lookups: number;
}

export interface PoisonFigures {
  /** Share of the victim's contacts that are forged. */
  readonly poisoned: number;
  /** Share of the questions in its lookups that nobody answers. */
  readonly silent: number;
}

/** Forged ids knock at one node of a network for a while; then it looks for random keys. */
export function poisonedTable(settings: PoisonSettings): PoisonFigures {
  const { seed, nodes, forged, isVerifying, forMs, lookups } = settings;
  const random = seededRandom(hashNumbers([seed, 4]));
  const victimRow = 0;
  const nodeKeys = Array.from({ length: nodes }, () => randomKey(random));
  const victim = nodeKeys[victimRow]!;
  // Right beside the victim: that is where buckets have room, and which contacts are named to newcomers.
  const forgedKeys = Array.from({ length: forged }, (_, i) => sharing(victim, 4 + (i % 40), random));
  const keys = new KeySpace({
    ...{ seed, rows: nodes + forged },
    keyOf: (row) => nodeKeys[row] ?? forgedKeys[row - nodes]!,
  });
  const network = new LookupNetwork({
    ...{ seed, rows: nodes + forged, keys, links },
    make: (place) => {
      const config = { ...place, tellsSteps: false };
      if (place.row >= nodes) return new Knocker(config, keys.nodes[victimRow]!.node);
      return isVerifying ? new Kademlia(config) : new Credulous(config);
    },
  });
  joinAll(network, nodes, random);
  for (let row = nodes; row < nodes + forged; row++) network.start(row, [victimRow]);
  network.run(forMs);
  const contacts = network.routerOf(victimRow)!.contacts();
  const poisoned = contacts.filter(({ node }) => (node as number) >= nodes).length;
  let asked = 0;
  let silent = 0;
  for (let i = 0; i < lookups; i++) {
    network.lookup(victimRow, sharing(victim, i % 8, random), {}, ({ report }) => {
      asked += report!.asked;
      silent += report!.silent;
    });
    network.finish();
  }
  return { poisoned: poisoned / contacts.length, silent: asked === 0 ? 0 : silent / asked };
}

// ---- Reflected amplification -----------------------------------------------------------------------------------------

export interface AmplificationSettings {
  readonly seed: number;
  readonly k: number;
  /** Questions in the victim's name, one in a second. */
  readonly questions: number;
  /** Does an answer name as many nodes as the wire allows, instead of k? */
  readonly hasLongAnswers: boolean;
}

export interface AmplificationFigures {
  readonly bytesIn: number;
  /** To the victim: answers, and pings to see whether it is there. */
  readonly bytesOut: number;
  readonly messagesOut: number;
}

/** Names as many nodes as fit into a message. */
class Verbose extends Kademlia {
  override findClosestNodes(key: Key): KeyedNode[] {
    return this.table.closest(key, maxNodesPerReply);
  }
}

/** Bytes of messages as the wire has them, without what a transport adds; all that comes within two minutes. */
export function amplification(settings: AmplificationSettings): AmplificationFigures {
  const { seed, k, questions, hasLongAnswers } = settings;
  const keys = new KeySpace({ seed, rows: 300, hasContacts: true });
  const self = keys.nodes[0]!;
  const env = new RecordingEnvironment<KademliaMessage, any, any>(self.node, seed);
  const victim = formatContact(randomKey(env.random), "10.9.9.9", 9000);
  const config: KademliaConfig = {
    ...{ self, keyedNode: keys.keyedNode, bootstrap: [], options: { k, upkeepMs: 0 } },
    restored: staticKademlia(keys, { seed, k })(0),
  };
  const node = hasLongAnswers ? new Verbose(config) : new Kademlia(config);
  const sizeOf = messageSize();
  const figures = { bytesIn: 0, bytesOut: 0, messagesOut: 0 };
  node.start(env);
  const timers: { readonly at: Millis; readonly timer: any }[] = [];
  const settle = () => {
    for (const { to, message } of env.sent()) {
      if (to !== victim) continue;
      figures.bytesOut += sizeOf(message);
      figures.messagesOut++;
    }
    for (const { after, timer } of env.scheduled()) timers.push({ at: env.now + after, timer });
    env.take();
  };
  const runUntil = (limit: Millis) => {
    for (;;) {
      timers.sort((a, b) => a.at - b.at);
      if (timers.length === 0 || timers[0]!.at > limit) break;
      const { at, timer } = timers.shift()!;
      env.now = at;
      node.onTimer(timer, env);
      settle();
    }
    env.now = limit;
  };
  settle();
  const key = randomKey(env.random);
  for (let i = 0; i < questions; i++) {
    const question: KademliaMessage = { type: "find-node", nonce: 2 ** 40 + i, key };
    figures.bytesIn += sizeOf(question);
    node.onMessage(victim, question, env);
    settle();
    runUntil(env.now + 1000);
  }
  runUntil(env.now + 120_000);
  return figures;
}

function messageSize(): (message: KademliaMessage) => number {
  const codec = wireCodec();
  const target = new Uint8Array(65_536);
  return (message) => codec.write({ layer: "kademlia", body: message }, target);
}

// ---- Common ----------------------------------------------------------------------------------------------------------

/** Bits that the ids beside a key share with it: far more than any honest node does. */
const beside = 64;

/** The i-th of the ids right beside a key: nobody who did not choose his id is as near. */
function nearestTo(key: Key, i: number): Key {
  return keyFromNumber(keyToNumber(key) ^ BigInt(i + 1));
}

/** A random key that shares exactly so many bits with another. */
function sharing(key: Key, bits: number, random: Random): Key {
  const below = BigInt(keyBits - bits - 1);
  const rest = BigInt.asUintN(Number(below), keyToNumber(randomKey(random)));
  return keyFromNumber((((keyToNumber(key) >> below) ^ 1n) << below) | rest);
}

function nodeOf({ node }: KeyedNode): NodeId {
  return node;
}

function hasAnswered({ path }: LookupReport, node: NodeId | undefined): boolean {
  return path.some((step) => step.node === node && (step.outcome === "answered" || step.outcome === "late"));
}

function someRow(rows: number, random: Random, accept: (row: number) => boolean): number {
  for (;;) {
    const row = random.below(rows);
    if (accept(row)) return row;
  }
}

/** Each through one of those that are there; then a minute in which they get to know each other. */
function joinAll(network: LookupNetwork, rows: number, random: Random): void {
  for (let row = 0; row < rows; row++) {
    network.start(row, row === 0 ? [] : [random.below(row)]);
    if (row % 10 === 0) network.run(200);
  }
  network.run(60_000);
}
