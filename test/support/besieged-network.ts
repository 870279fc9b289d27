/**
 * A network of a few honest nodes that run one protocol, in the middle of attackers who can say anything that the wire
 * lets through, as often as they like: under ids of their own that never answer a question, and with messages that
 * members have sent before. What is under attack is every member at once.
 */
import {
  bytesOfKey,
  type Environment,
  formatContact,
  type Identity,
  identityOf,
  type Key,
  type KeyedNode,
  keyBits,
  keyedNode,
  keyFromNumber,
  keyOfName,
  keyToNumber,
  type NodeId,
  nonce,
  type Protocol,
  pick,
  type Random,
  type RecordStatement,
  randomKey,
  type Signatures,
  Stack,
  type StoredRecord,
  seededRandom,
  type Tagged,
  type Typed,
} from "../../src/core/index.ts";
import { digestOf } from "../../src/storage/index.ts";
import { Codec, MalformedFrame } from "../../src/wire/index.ts";
import { type AnyKind, type Draws, FrameMaker, lookupKinds } from "./any-frame.ts";
import { World } from "./world.ts";

export interface BesiegedConfig<P> {
  readonly layer: string;
  readonly seed: number;
  readonly members: number;
  readonly make: (place: {
    readonly self: KeyedNode;
    readonly bootstrap: readonly NodeId[];
    readonly signatures: Signatures<unknown>;
    readonly members: readonly NodeId[];
  }) => P;
  /** Types of messages by which a member takes its leave: nobody else can say them for it. */
  readonly farewells?: readonly string[];
  readonly record?: (network: BesiegedNetwork<any>, random: Random) => StoredRecord;
  /** False: only members attack, out of turn, and in the order that suits them. */
  readonly hasStrangers?: boolean;
  /** One member in so many answers questions with lies; 0: nobody does. */
  readonly liarsIn?: number;
  /** Half of the attackers' messages are of this type. */
  readonly favorite?: string;
  /** Another layer, for those that need one. */
  readonly below?: (members: readonly NodeId[]) => Protocol<any, any, any, any>;
  /** What members do before the first attack. */
  readonly prepare?: (network: BesiegedNetwork<any>) => void;
  /** How long a disk takes, at most. */
  readonly diskMs?: number;
}

export interface Said {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: Tagged;
}

/** The time at which the world begins: what was written long ago has a time, too. */
export const beginning = 100 * 24 * 3_600_000;
const kept = 512;

export class BesiegedNetwork<P extends Protocol<any, any, any, any>> extends World {
  readonly members: readonly NodeId[];
  readonly strangers: readonly NodeId[];
  readonly protocols = new Map<NodeId, P>();
  /** Strangers of whom a member has heard a word, and not only the name. */
  readonly spoke = new Set<NodeId>();
  readonly liars: ReadonlySet<NodeId>;
  /** `unsaid`: refused by the codec, or no attack: an answer of whoever was asked, a farewell in the mouth of its member. */
  readonly counters = { attacks: 0, unsaid: 0, replays: 0, lies: 0, writes: 0 };
  /** Most messages that one event has made somebody send. */
  mostSends = 0;
  readonly dice: Random;
  readonly config: BesiegedConfig<P>;
  /** What members have said to each other, and to strangers. */
  readonly #said: Said[] = [];
  /** What members have asked last: most of it is not answered yet. */
  readonly #asked: Said[] = [];
  /** Numbers of what each was asked, at whatever address. */
  readonly #askedOf = new Map<Identity, Set<number>>();
  readonly #codec = new Codec();
  readonly #kinds: readonly AnyKind[];
  readonly #maker: FrameMaker;
  readonly #writes: { readonly due: number; readonly node: NodeId; readonly key: string }[] = [];

  constructor(config: BesiegedConfig<P>) {
    super(config.seed);
    this.now = beginning;
    this.config = config;
    this.dice = seededRandom(config.seed + 2 ** 40);
    const { dice } = this;
    const contact = (key: Key, i: number) => formatContact(key, `10.0.0.${i}`, 9000);
    this.members = Array.from({ length: config.members }, (_, i) => contact(randomKey(dice), i + 1));
    // Some are next to members, others anywhere.
    this.strangers = Array.from({ length: 24 }, (_, i) => {
      const near = i < 12 ? this.#keyNear(pick(this.members, dice)) : randomKey(dice);
      return contact(near, 100 + i);
    });
    const { liarsIn = 0 } = config;
    this.liars = new Set(this.members.filter((_, i) => liarsIn > 0 && i % liarsIn === 1));
    this.#kinds = lookupKinds.filter(({ layer }) => layer === config.layer);
    this.#maker = new FrameMaker(dice, this.#draws());
    this.persistsAtOnce = false;
    this.delivers = (from, to, message) => {
      this.#remember({ from, to, message });
      const numbers = this.#askedOf.get(identityOf(to)) ?? new Set();
      this.#askedOf.set(identityOf(to), numbers);
      for (const number of numbersIn(message)) numbers.add(number);
      if (!answers.has(`${message.layer} ${message.body.type}`)) {
        this.#asked.push({ from, to, message });
        if (this.#asked.length > 8) this.#asked.shift();
      }
      return true;
    };
    const below: Record<string, Protocol<any, any, any, any>> = config.below === undefined
      ? {}
      : { below: config.below(this.members) };
    for (const [i, node] of this.members.entries()) {
      const bootstrap = i === 0 ? [] : [this.members[0]!];
      const place = {
        self: keyedNode(node),
        bootstrap,
        signatures: signaturesOf(node),
        members: this.members,
      };
      const protocol = config.make(place);
      this.protocols.set(node, protocol);
      this.add(node, new Stack({ ...below, [config.layer]: protocol }));
      this.pass(200);
    }
  }

  override env(node: NodeId): Environment<any, any, any> {
    const env = super.env(node);
    let sends = 0;
    return {
      ...env,
      get now() {
        return env.now;
      },
      send: (to, message) => {
        this.mostSends = Math.max(this.mostSends, ++sends);
        env.send(to, this.liars.has(node) ? this.#lied(message) : message);
      },
      notify: (notice) => {
        const { type, isAwaited, key } = notice.body;
        // Notices are what the test looks at when it wants to, not what it keeps.
        if (type !== "persist" || !isAwaited) return;
        this.counters.writes++;
        this.#writes.push({ due: this.now + this.dice.below(this.config.diskMs ?? 1), node, key });
      },
    };
  }

  protocolOf(node: NodeId): P {
    return this.protocols.get(node)!;
  }

  pass(time: number): void {
    const end = this.now + time;
    while (this.#writes.length > 0) {
      const next = this.#writes.reduce((a, b) => (b.due < a.due ? b : a));
      if (next.due > end) break;
      this.#writes.splice(this.#writes.indexOf(next), 1);
      this.runUntil(Math.max(this.now, next.due));
      this.command(next.node, this.config.layer, { type: "persisted", key: next.key } as Typed);
    }
    this.runUntil(end);
  }

  /** One hostile message, and sometimes time. `onSaid` is called in between. */
  attack(onSaid: (said: Said) => void = () => {}): void {
    const { dice } = this;
    this.counters.attacks++;
    const said = this.#hostile();
    if (said === undefined) this.counters.unsaid++;
    else {
      this.#remember(said);
      const often = dice.below(64);
      const times = often === 0 ? 20 : often < 8 ? 2 : 1;
      for (let i = 0; i < times; i++) this.say(said);
      onSaid(said);
    }
    const pause = dice.below(64);
    if (pause === 0) this.pass(dice.below(5000));
    else if (pause < 16) this.pass(dice.below(20));
  }

  say({ from, to, message }: Said): void {
    this.nodes.get(to)!.onMessage(from, message, this.env(to));
  }

  /** To answer what one was asked is no attack, and what members have said has been heard already. */
  #unlessAsked(said: Said): Said | undefined {
    const numbers = this.#askedOf.get(identityOf(said.from));
    return numbersIn(said.message).some((number) => numbers?.has(number)) ? undefined : said;
  }

  #remember(said: Said): void {
    if (this.#said.length < kept) this.#said.push(said);
    else this.#said[this.dice.below(kept)] = said;
  }

  /** What `to` is told by `from`, through the codec. Undefined: the codec did not let it through. */
  #hostile(): Said | undefined {
    const { dice } = this;
    // One of them gets most of it.
    const to = dice.below(2) === 0 ? this.members[0]! : pick(this.members, dice);
    if (this.#said.length > 0 && dice.below(4) === 0) return this.#replay();
    if (this.#asked.length > 0 && dice.below(8) === 0) return this.#answerOfAnother();
    const isOwn = dice.below(32) === 0;
    const isFromMember = this.config.hasStrangers === false || dice.below(3) === 0;
    const from = isOwn ? to : pick(isFromMember ? this.members : this.strangers, dice);
    const favorite = dice.below(2) === 0 ? this.config.favorite : undefined;
    const kind = this.#kinds.find(({ type }) => type === favorite) ?? pick(this.#kinds, dice);
    const isStranger = !this.protocols.has(from);
    if (!isStranger && this.config.farewells?.includes(kind.type)) return undefined;
    const message = this.#decoded(this.#maker.within(kind));
    if (message === undefined) return undefined;
    if (isStranger) this.spoke.add(from);
    return this.#unlessAsked({ from, to, message });
  }

  /** An answer to what somebody else was asked a moment ago, with the right number. */
  #answerOfAnother(): Said | undefined {
    const { dice } = this;
    const { from: to, message } = pick(this.#asked, dice);
    const kinds = this.#kinds.filter(({ layer, type }) => answers.has(`${layer} ${type}`));
    const answer = this.#decoded(this.#maker.within(pick(kinds, dice)));
    if (answer === undefined) return undefined;
    const { nonce: number, hopNonce, route } = message.body as any;
    const body = { ...answer.body } as any;
    if ("nonce" in body) body.nonce = number;
    if ("hopNonce" in body) body.hopNonce = hopNonce;
    if ("route" in body) body.route = route;
    if (Object.values(body).includes(undefined)) return undefined;
    const from = pick(this.config.hasStrangers === false ? this.members : this.strangers, dice);
    if (!this.protocols.has(from)) this.spoke.add(from);
    return this.#unlessAsked({ from, to, message: { ...answer, body } });
  }

  /** Again, late, in another order; from whoever said it, or in the mouth of somebody else. */
  #replay(): Said | undefined {
    const { dice } = this;
    this.counters.replays++;
    const { from, to, message } = pick(this.#said, dice);
    const isToMember = this.protocols.has(to);
    if (isToMember && dice.below(2) === 0) return { from, to, message };
    if (this.config.hasStrangers === false) return { from, to: pick(this.members, dice), message };
    const thief = pick(this.strangers, dice);
    this.spoke.add(thief);
    return this.#unlessAsked({ from: thief, to: isToMember ? to : pick(this.members, dice), message });
  }

  /** A liar answers whatever it likes to what it was asked. */
  #lied(message: Tagged): Tagged {
    const { dice } = this;
    const { type, nonce: number, route } = message.body as Typed & { nonce?: number; route?: number };
    const isAnswer = answers.has(`${message.layer} ${type}`);
    if (!isAnswer || dice.below(2) === 0) return message;
    const kind = this.#kinds.find((one) => one.type === type)!;
    const lie = this.#decoded(this.#maker.within(kind));
    if (lie === undefined) return message;
    this.counters.lies++;
    const body = { ...lie.body } as any;
    if (number !== undefined) body.nonce = number;
    if (route !== undefined) body.route = route;
    return { ...lie, body };
  }

  #decoded(body: Uint8Array): Tagged | undefined {
    try {
      return this.#codec.decode(body);
    } catch (error) {
      if (error instanceof MalformedFrame) return undefined;
      throw error;
    }
  }

  #keyNear(node: NodeId): Key {
    const distance = 1n << BigInt(this.dice.below(keyBits));
    return keyFromNumber(
      keyToNumber(keyedNode(node).key) + (this.dice.below(2) === 0 ? distance : -distance),
    );
  }

  #draws(): Draws {
    const { dice } = this;
    const { record } = this.config;
    return {
      contact: () => {
        const whom = dice.below(16);
        if (whom < 6) return pick(this.strangers, dice);
        if (whom < 11) return pick(this.members, dice);
        // A member where it is not.
        if (whom < 14)
          return formatContact(String(identityOf(pick(this.members, dice))), "10.6.6.6", 1 + dice.below(9));
        return formatContact(this.#keyNear(pick(this.members, dice)), "10.7.7.7", 1 + dice.below(999));
      },
      key: () => {
        const which = dice.below(4);
        if (which === 0) return randomKey(dice);
        if (which === 1) return this.#keyNear(pick(this.members, dice));
        if (which === 2) return keyedNode(pick([...this.members, ...this.strangers], dice)).key;
        return keyOfName(`name ${dice.below(16)}`);
      },
      number: () => {
        const which = dice.below(8);
        if (which === 0) return dice.below(20);
        if (which === 1) return Number.MAX_SAFE_INTEGER;
        // What somebody was asked, or has been told: the numbers of questions that may be open.
        const said = which < 6 && this.#said.length > 0 ? pick(this.#said, dice) : undefined;
        const known = said === undefined ? [] : numbersIn(said.message);
        return known.length > 0 ? pick(known, dice) : nonce(dice);
      },
      record: record === undefined ? undefined : () => record(this, dice),
      name: () => `name ${dice.below(16)}`,
      longestValue: 1024,
    };
  }
}

function numbersIn({ body }: Tagged): number[] {
  const { nonce: number, hopNonce, route } = body as any;
  return [number, hopNonce, route].filter((one) => one !== undefined);
}

const answers = new Set([
  "kademlia ping-reply",
  "kademlia find-node-reply",
  "kademlia find-value-reply",
  "chord state",
  "chord routed",
  "chord pong",
  "pastry ack",
  "pastry arrived",
  "pastry passed",
  "pastry state",
  "pastry leaves",
  "pastry row",
  "pastry pong",
  "store stored",
  "store refused",
  "store fetched",
  "store reserved",
  "store offered",
]);

/** Short, as on the wire, and good for one signer and one statement. */
export function signaturesOf(signer: NodeId): Signatures<any> {
  return {
    sign: (statement) => proofOf(identityOf(signer), statement as RecordStatement),
    verify: (origin, statement, proof) => {
      const right = proofOf(identityOf(origin), statement as RecordStatement);
      return proof.length === right.length && proof.every((byte, i) => byte === right[i]);
    },
  };
}

function proofOf(identity: string | number, statement: RecordStatement): Uint8Array {
  return bytesOfKey(keyOfName(`${identity} signs ${digestOf(statement)}`));
}
