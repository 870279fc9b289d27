/**
 * What liars and vandals do to a simulated network. Members lie: a link proves who is at its other end, so that a
 * stranger has no link at all, and nothing to say. What a connection costs that says nothing is the live world's
 * affair (docs/simulator.md).
 */
import {
  type Environment,
  formatContact,
  identityOf,
  type NodeId,
  type Protocol,
  type Tagged,
} from "../core/index.ts";
import type { DeadReport, IntroductionMessage, PeerRecord } from "../membership/messages.ts";
import { type SimulatedNetwork, SimulatedSignatures } from "../simulated/index.ts";
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

interface Liar {
  readonly row: number;
  readonly id: NodeId;
  readonly signatures: SimulatedSignatures;
  readonly mouth: Mouthpiece;
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
  #reports: { readonly sent: number; readonly ignoredBefore: number } | undefined;
  #registrations = 0;
  #junk = 0;
  #malformedBefore = 0;

  constructor(network: SimulatedNetwork) {
    this.#network = network;
  }

  get figures(): AttackFigures {
    const figures: Record<string, unknown> = {};
    if (this.#reports !== undefined) {
      figures["reportsSent"] = this.#reports.sent;
      figures["reportsArriving"] = this.#reports.sent;
      figures["reportsIgnored"] = this.#ignoredReports() - this.#reports.ignoredBefore;
    }
    if (this.#registrations > 0) {
      const answers = [...this.#liars.values()].flatMap(({ mouth }) => mouth.heard);
      figures["registrationsSent"] = this.#registrations;
      figures["refused"] = answers.filter(({ body }) => body.type === "refused").length;
      figures["taken"] = answers.filter(({ body }) => body.type === "registered").length;
    }
    if (this.#junk > 0) {
      const counted = this.#network.simulation.counters.malformed - this.#malformedBefore;
      figures["connectionsOpened"] = this.#junk;
      figures["junkHeld"] = this.#junk - counted;
    }
    if (this.#reports !== undefined || this.#registrations > 0) figures["hasOutsider"] = false;
    return figures;
  }

  /** In his own name, twice; and in the names of others, whose signature he does not have. */
  forgeReports(against: readonly number[]): number {
    const mallory = this.#liar("mallory");
    const ignoredBefore = this.#reports?.ignoredBefore ?? this.#ignoredReports();
    let sent = this.#reports?.sent ?? 0;
    for (const victim of against) {
      const { standing } = this.#network.peers.get(victim)!;
      const bystanders = [...this.#network.peers.keys()].filter((row) => row !== victim).slice(0, 3);
      const reporters = [mallory.id, mallory.id, ...bystanders.map((row) => this.#idOf(row))];
      for (const reporter of reporters) {
        for (const raised of [0, 1]) {
          const statement: DeadReport = {
            type: "dead-report",
            suspect: this.#idOf(victim),
            incarnation: standing.incarnation + raised,
            at: this.#network.time,
            reporter,
          };
          const proof = mallory.signatures.sign(statement);
          sent += this.#tellSeeds(mallory, { type: "dead-report", report: { statement, proof } });
        }
      }
    }
    this.#reports = { sent, ignoredBefore };
    return sent;
  }

  /** Another peer's identity, an address where nobody listens, a crowd of the invented; and another's address. */
  forgeRegistrations(count: number): number {
    const mallory = this.#liar("mallory");
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
    this.#registrations += sent;
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
    const record = { statement, proof: liar.signatures.sign(statement) };
    return this.#tellSeeds(liar, { type: "register", nonce: 1000 + number, record });
  }

  #tellSeeds(liar: Liar, body: IntroductionMessage): number {
    const message = { layer: "introduction", body };
    for (const row of this.#network.seeds.keys())
      this.#network.simulation.command(liar.row, { to: this.#idOf(row), message } satisfies Saying);
    return this.#network.seeds.size;
  }

  #liar(name: string): Liar {
    let liar = this.#liars.get(name);
    if (liar === undefined) {
      const row = this.#network.reserve(name);
      const id = this.#idOf(row);
      liar = { row, id, signatures: new SimulatedSignatures(id), mouth: new Mouthpiece() };
      this.#network.simulation.host(row, liar.mouth);
      this.#liars.set(name, liar);
    }
    return liar;
  }

  #idOf(row: number): NodeId {
    return this.#network.simulation.idOf(row);
  }

  #ignoredReports(): number {
    let ignored = 0;
    for (const { registry } of this.#network.seeds.values())
      if (registry !== undefined)
        ignored += registry.counters.forgedReports + registry.counters.strangersReports;
    return ignored;
  }
}
