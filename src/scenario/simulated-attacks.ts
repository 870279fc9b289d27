/**
 * What liars and vandals do to a simulated network. Members lie: a link proves who is at its other end, so that a
 * stranger has no link at all, and nothing to say. What a connection costs that says nothing is the live world's
 * affair (docs/simulator.md).
 */
import {
  type Environment,
  formatContact,
  identityOf,
  type Millis,
  type NodeId,
  type Protocol,
  type Tagged,
} from "../core/index.ts";
import type { DeadReport, IntroductionMessage, PeerRecord } from "../membership/messages.ts";
import { profileOf } from "../profiles/index.ts";
import { type SimulatedNetwork, SimulatedSignatures } from "../simulated/index.ts";
import { doubtsAfterMs, inventedContact, inventions, lies, stolenKeys } from "./membership-forgeries.ts";
import { ignoredBy } from "./views.ts";
import type { AttackFigures } from "./world.ts";

interface Saying {
  readonly to: NodeId;
  readonly message: Tagged;
}

/** A member that says what it is told to say, and keeps what it hears. */
class Mouthpiece implements Protocol<Tagged, never, never, Saying> {
  readonly heard: Tagged[] = [];

  start(): void {}
  onTimer(): void {}
  onMessage(_from: NodeId, message: Tagged): void {
    this.heard.push(message);
  }
  onCommand({ to, message }: Saying, env: Environment<Tagged, never, never>): void {
    env.send(to, message);
  }
}

interface KeyHolder {
  readonly id: NodeId;
  readonly sign: (statement: unknown) => Uint8Array;
}

interface Liar extends KeyHolder {
  readonly row: number;
  readonly mouth: Mouthpiece;
}

function withKeyOf(id: NodeId): KeyHolder {
  const signatures = new SimulatedSignatures(id);
  return { id, sign: (statement) => signatures.sign(statement) };
}

/** Bodies of frames that are no messages: a web browser, a long line, noise, half a frame, the beginning of TLS. */
function junkFrames(): Uint8Array[] {
  const text = (words: string) => Uint8Array.from(words, (letter) => letter.charCodeAt(0));
  return [
    text("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    text("x".repeat(1_000_000)),
    Uint8Array.from({ length: 2000 }, (_, i) => 0x80 | (i * 37)),
    Uint8Array.of(0, 0, 1),
    Uint8Array.of(22, 3, 1, 2, 0, 1, 0),
  ];
}

export class SimulatedAttacks {
  readonly #network: SimulatedNetwork;
  readonly #liars = new Map<string, Liar>();
  #reports: { sent: number; arriving: number; readonly ignoredBefore: number } | undefined;
  #registrations: { sent: number; count: number; readonly ignoredBefore: number } | undefined;
  #junk = 0;
  #malformedBefore = 0;

  constructor(network: SimulatedNetwork) {
    this.#network = network;
  }

  get figures(): AttackFigures {
    const figures: Record<string, unknown> = {};
    if (this.#reports !== undefined) {
      figures["reportsSent"] = this.#reports.sent;
      figures["reportsArriving"] = this.#reports.arriving;
      figures["reportsIgnored"] = this.#ignored() - this.#reports.ignoredBefore;
    }
    if (this.#registrations !== undefined) {
      figures["registrationsSent"] = this.#registrations.sent;
      Object.assign(figures, this.#isModern ? this.#takenByMembers() : this.#answers());
    }
    if (this.#junk > 0) {
      const counted = this.#network.simulation.counters.malformed - this.#malformedBefore;
      figures["connectionsOpened"] = this.#junk;
      figures["junkHeld"] = this.#junk - counted;
    }
    if ((this.#reports ?? this.#registrations) !== undefined) figures["hasOutsider"] = false;
    return figures;
  }

  #answers(): { readonly refused: number; readonly taken: number } {
    const answers = [...this.#liars.values()].flatMap(({ mouth }) => mouth.heard);
    return {
      refused: answers.filter(({ body }) => body.type === "refused").length,
      taken: answers.filter(({ body }) => body.type === "registered").length,
    };
  }

  /** A membership does not answer what it drops. */
  #takenByMembers(): { readonly refused: number; readonly taken: number } {
    const invented = new Set(
      Array.from({ length: this.#registrations!.count }, (_, i) => inventedContact(i)),
    );
    let taken = 0;
    for (const { list } of this.#network.seeds.values())
      taken += list.filter(({ peer }) => invented.has(peer)).length;
    return { refused: this.#ignored() - this.#registrations!.ignoredBefore, taken };
  }

  get #isModern(): boolean {
    return profileOf(this.#network.config.options) === "modern";
  }

  forgeReports(against: readonly number[]): number {
    this.#reports ??= { sent: 0, arriving: 0, ignoredBefore: this.#ignored() };
    for (const victim of against) {
      if (this.#isModern) this.#lieAbout(victim, this.#reports);
      else {
        const sent = this.#reportDead(victim);
        this.#reports.sent += sent;
        this.#reports.arriving += sent;
      }
    }
    return this.#reports.sent;
  }

  /** In his own name, twice; and in the names of others, whose signature he does not have. */
  #reportDead(victim: number): number {
    const mallory = this.#liar("mallory");
    const { standing } = this.#network.peers.get(victim)!;
    const bystanders = [...this.#network.peers.keys()].filter((row) => row !== victim).slice(0, 3);
    const reporters = [mallory.id, mallory.id, ...bystanders.map((row) => this.#idOf(row))];
    let sent = 0;
    for (const reporter of reporters) {
      for (const raised of [0, 1]) {
        const statement: DeadReport = {
          type: "dead-report",
          suspect: this.#idOf(victim),
          incarnation: standing.incarnation + raised,
          at: this.#network.time,
          reporter,
        };
        const report = { statement, proof: mallory.sign(statement) };
        sent += this.#tellSeeds(mallory, "introduction", { type: "dead-report", report });
      }
    }
    return sent;
  }

  /** Some of the others had their keys stolen, too. */
  #lieAbout(row: number, reports: { sent: number; arriving: number }): void {
    const others = [...this.#network.peers.keys()]
      .filter((other) => other !== row)
      .map((other) => this.#idOf(other));
    const { incarnation } = this.#network.peers.get(row)!.standing;
    const { forged, doubts } = lies(this.#liar("mallory"), {
      victim: { id: this.#idOf(row), incarnation },
      traitors: others.slice(0, stolenKeys).map(withKeyOf),
      bystanders: others.slice(stolenKeys, stolenKeys + 3),
      now: this.#network.time,
    });
    for (const { layer, body } of forged)
      reports.arriving += this.#tellSeeds(this.#liar("mallory"), layer, body);
    reports.sent = reports.arriving;
    for (const { layer, body } of doubts) this.#tellSeeds(this.#liar("mallory"), layer, body, doubtsAfterMs);
  }

  forgeRegistrations(count: number): number {
    const mallory = this.#liar("mallory");
    this.#registrations ??= { sent: 0, count: 0, ignoredBefore: this.#ignored() };
    this.#registrations.count = Math.max(this.#registrations.count, count);
    this.#registrations.sent += this.#isModern
      ? this.#invent(mallory, count)
      : this.#registerFalsely(mallory, count);
    return this.#registrations.sent;
  }

  #invent(mallory: Liar, count: number): number {
    const victim = this.#idOf(this.#network.peers.keys().next().value!);
    let sent = 0;
    for (const { layer, body } of inventions(mallory, victim, count, this.#network.time))
      sent += this.#tellSeeds(mallory, layer, body);
    return sent;
  }

  /** Another peer's identity, an address where nobody listens, a crowd of the invented; and another's address. */
  #registerFalsely(mallory: Liar, count: number): number {
    const trudy = this.#liar("trudy");
    const victim = this.#idOf(this.#network.peers.keys().next().value!);
    const invented = Array.from({ length: count }, (_, i) =>
      formatContact(i.toString(16).padStart(40, "0"), "127.0.0.1", 20_000 + i),
    );
    const nowhere = formatContact(String(identityOf(mallory.id)), "127.0.0.1", 1);
    let sent = 0;
    for (const [i, peer] of [victim, nowhere, ...invented].entries())
      sent += this.#register(mallory, peer, i);
    const squatted = formatContact(String(identityOf(trudy.id)), "127.0.0.1", 20_000 + count);
    sent += this.#register(trudy, squatted, 0);
    return sent;
  }

  /** Every kind of junk to each of these. */
  sendJunk(targets: readonly number[]): number {
    const mallory = this.#liar("mallory");
    const { simulation } = this.#network;
    if (this.#junk === 0) this.#malformedBefore = simulation.counters.malformed;
    let sent = 0;
    for (const target of targets) {
      for (const body of junkFrames()) {
        // The length before a frame is what its reader has waited for: here it is always in order.
        const frame = new Uint8Array(body.length + 4);
        frame.set(body, 4);
        simulation.inject(mallory.row, target, frame);
        sent++;
      }
    }
    this.#junk += sent;
    return sent;
  }

  #register(liar: Liar, peer: NodeId, number: number): number {
    const statement: PeerRecord = {
      type: "peer-record",
      peer,
      incarnation: this.#network.time * 2 + number + 1,
      version: 0,
      since: 1,
      neighbors: [],
    };
    const record = { statement, proof: liar.sign(statement) };
    return this.#tellSeeds(liar, "introduction", { type: "register", nonce: 1000 + number, record });
  }

  #tellSeeds(
    liar: Liar,
    layer: string,
    body: IntroductionMessage | Tagged["body"],
    afterMs: Millis = 0,
  ): number {
    const message = { layer, body };
    for (const row of this.#network.seeds.keys())
      this.#network.simulation.command(liar.row, { to: this.#idOf(row), message } satisfies Saying, afterMs);
    return this.#network.seeds.size;
  }

  #liar(name: string): Liar {
    let liar = this.#liars.get(name);
    if (liar === undefined) {
      const row = this.#network.reserve(name);
      const id = this.#idOf(row);
      liar = { row, ...withKeyOf(id), mouth: new Mouthpiece() };
      this.#network.simulation.host(row, liar.mouth);
      this.#liars.set(name, liar);
    }
    return liar;
  }

  #idOf(row: number): NodeId {
    return this.#network.simulation.idOf(row);
  }

  #ignored(): number {
    let ignored = 0;
    for (const seed of this.#network.seeds.values()) ignored += ignoredBy(seed);
    return ignored;
  }
}
