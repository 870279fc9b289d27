/** What attackers do to a live network: lies of a member and of a stranger, and junk. */
import { connect, type Socket } from "node:net";
import { formatContact, type NodeId, portOf, type Tagged } from "../../core/index.ts";
import type { DeadReport, IntroductionMessage, PeerRecord } from "../../membership/messages.ts";
import {
  ephemeralCluster,
  type GrapevineNode,
  type Identity,
  Links,
  LiveSignatures,
  type Security,
} from "../../node/index.ts";
import { profileOf } from "../../profiles/index.ts";
import {
  doubtsAfterMs,
  inventedContact,
  inventions,
  lies,
  type Signer,
  stolenKeys,
  type Victim,
} from "../../scenario/membership-forgeries.ts";
import { ignoredBy } from "../../scenario/views.ts";
import type { AttackFigures } from "../../scenario/world.ts";
import { TcpTransport, TlsTransport } from "../../transport/index.ts";
import { Codec } from "../../wire/index.ts";
import { type LocalNetwork, sleep } from "../local-network.ts";

/** Somebody who speaks our wire format and says what he likes. */
class Attacker {
  readonly links: Links;
  readonly identity: Identity;
  readonly signatures: LiveSignatures;
  readonly answers: Tagged[] = [];
  readonly refusals: string[] = [];
  contact: NodeId = "";

  constructor(identity: Identity, security: Security, profile: string) {
    this.identity = identity;
    this.signatures = new LiveSignatures(identity, () => true);
    const transport =
      security.type === "plaintext"
        ? new TcpTransport()
        : new TlsTransport({ identity, caPem: security.caPem });
    this.links = new Links({
      transport,
      codec: new Codec(),
      identity,
      role: "peer",
      name: "mallory",
      cluster: "grapevine",
      profile,
      isMember: () => true,
      onMessage: (_from, message) => this.answers.push(message),
      onEvent: ({ type, reason, detail }) => {
        if (type === "dial-failed" || type === "link-refused") this.refusals.push(detail ?? reason);
      },
    });
  }

  async listen(): Promise<this> {
    const { host, port } = await this.links.listen({ host: "127.0.0.1", port: 0 });
    this.contact = formatContact(this.identity.id, host, port);
    return this;
  }

  answersOf(type: string): number {
    return this.answers.filter(({ body }) => body.type === type).length;
  }
}

function signerOf({ contact, signatures }: Attacker): Signer {
  return { id: contact, sign: (statement) => signatures.sign(statement) };
}

export class LiveAttacks {
  readonly #network: LocalNetwork;
  readonly #isPlaintext: boolean;
  readonly #members = new Map<string, Attacker>();
  #outsider: Attacker | undefined;
  #reports: { sent: number; arriving: number; readonly ignoredBefore: number } | undefined;
  #registrations: { sent: number; count: number; readonly ignoredBefore: number } | undefined;
  #junk: Junk | undefined;

  constructor(network: LocalNetwork) {
    this.#network = network;
    this.#isPlaintext = network.config.isPlaintext === true;
  }

  async forgeReports(victims: readonly Victim[]): Promise<number> {
    this.#reports ??= { sent: 0, arriving: 0, ignoredBefore: this.#ignored };
    if (this.#isModern) await this.#lieAbout(victims, this.#reports);
    else await this.#reportDead(victims, this.#reports);
    return this.#reports.sent;
  }

  /** Beside what is forged: some of the others had their keys stolen. */
  async #lieAbout(victims: readonly Victim[], reports: { sent: number; arriving: number }): Promise<void> {
    const insider = await this.#member("mallory");
    const outsider = await this.#stranger();
    for (const victim of victims) {
      const others = this.#network.livePeers.filter(({ contact }) => contact !== victim.id);
      const robbed = others.slice(0, stolenKeys);
      const traitors = await Promise.all(robbed.map((node) => this.#withKeysOf(node)));
      const bystanders = others.slice(stolenKeys, stolenKeys + 3).map(({ contact }) => contact);
      const liar = signerOf(insider);
      const { forged, doubts } = lies(liar, { victim, bystanders, traitors, now: Date.now() });
      for (const message of forged) {
        reports.arriving += this.#tellSeeds(insider, message);
        if (outsider !== undefined) this.#tellSeeds(outsider, message);
      }
      reports.sent = reports.arriving;
      await sleep(doubtsAfterMs);
      for (const message of doubts) this.#tellSeeds(insider, message);
    }
  }

  async #withKeysOf({ name, contact }: GrapevineNode): Promise<Signer> {
    const signatures = new LiveSignatures((await this.#network.keysOf(name))!, () => true);
    return { id: contact, sign: (statement) => signatures.sign(statement) };
  }

  /** In the liar's own name, many times; and in the names of others, whose signature he does not have. */
  async #reportDead(victims: readonly Victim[], reports: { sent: number; arriving: number }): Promise<void> {
    const insider = await this.#member("mallory");
    const outsider = await this.#stranger();
    const others = this.#network.livePeers.map(({ contact }) => contact);
    for (const victim of victims) {
      const bystanders = others.filter((contact) => contact !== victim.id).slice(0, 3);
      for (const attacker of [insider, outsider]) {
        if (attacker === undefined) continue;
        for (const reporter of [attacker.contact, attacker.contact, ...bystanders]) {
          for (const raised of [0, 1]) {
            const statement: DeadReport = {
              type: "dead-report",
              suspect: victim.id,
              incarnation: victim.incarnation + raised,
              at: Date.now(),
              reporter,
            };
            const report = { statement, proof: attacker.signatures.sign(statement) };
            const sent = this.#introduce(attacker, { type: "dead-report", report });
            reports.sent += sent;
            if (attacker === insider) reports.arriving += sent;
          }
        }
      }
    }
  }

  async forgeRegistrations(count: number): Promise<number> {
    this.#registrations ??= { sent: 0, count: 0, ignoredBefore: this.#ignored };
    this.#registrations.count = Math.max(this.#registrations.count, count);
    const sent = this.#isModern ? await this.#invent(count) : await this.#registerFalsely(count);
    this.#registrations.sent += sent;
    return sent;
  }

  async #invent(count: number): Promise<number> {
    const insider = await this.#member("mallory");
    const outsider = await this.#stranger();
    const victim = this.#network.livePeers[0]!.contact;
    let sent = 0;
    for (const message of inventions(signerOf(insider), victim, count, Date.now())) {
      sent += this.#tellSeeds(insider, message);
      if (outsider !== undefined) this.#tellSeeds(outsider, message);
    }
    return sent;
  }

  /** Registrations of another peer, of ports where nobody or somebody else listens, and of a crowd. */
  async #registerFalsely(count: number): Promise<number> {
    const insider = await this.#member("mallory");
    // Another member for the other address: of one node's registrations under way a seed looks at the latest.
    const accomplice = await this.#member("trudy");
    const outsider = await this.#stranger();
    const victim = this.#network.livePeers[0]!.contact;
    const claims: NodeId[] = [victim, formatContact(insider.identity.id, "127.0.0.1", 1)];
    for (let i = 0; i < count; i++)
      claims.push(formatContact(i.toString(16).padStart(40, "0"), "127.0.0.1", 20_000 + (i % 40_000)));
    let sent = 0;
    for (const [i, peer] of claims.entries()) {
      sent += this.#register(insider, peer, i);
      if (outsider !== undefined) this.#register(outsider, peer, i);
    }
    const squatted = formatContact(accomplice.identity.id, "127.0.0.1", portOf(victim));
    sent += this.#register(accomplice, squatted, 0);
    return sent;
  }

  /** Bytes that are no message, and connections that say nothing. */
  async junk(nodes: readonly GrapevineNode[], idleConnections: number): Promise<number> {
    this.#junk = new Junk(nodes, this.#junk);
    await this.#junk.send(await this.#member("mallory"), idleConnections);
    return this.#junk.sockets.length;
  }

  get figures(): AttackFigures {
    return { ...this.#forgeries, ...this.#outsiders, ...this.#junkFigures };
  }

  async close(): Promise<void> {
    for (const socket of this.#junk?.sockets ?? []) socket.destroy();
    for (const attacker of [...this.#members.values(), this.#outsider]) await attacker?.links.destroy();
  }

  // ---- Who attacks ----

  /** With a valid certificate of the network: the worst neighbor one can have. */
  async #member(name: string): Promise<Attacker> {
    let attacker = this.#members.get(name);
    if (attacker === undefined) {
      const { identity, security } = await this.#network.issue(name);
      attacker = await new Attacker(identity, security, this.#profile).listen();
      this.#members.set(name, attacker);
    }
    return attacker;
  }

  /** With a certificate of a cluster of his own. Where there is no TLS there are no strangers. */
  async #stranger(): Promise<Attacker | undefined> {
    if (this.#isPlaintext || this.#outsider !== undefined) return this.#outsider;
    const cluster = await ephemeralCluster("elsewhere");
    const security: Security = { type: "tls", caPem: cluster.caPem, memberKey: cluster.memberKey };
    this.#outsider = await new Attacker(await cluster.issue("mallory"), security, this.#profile).listen();
    return this.#outsider;
  }

  #introduce(attacker: Attacker, body: IntroductionMessage): number {
    return this.#tellSeeds(attacker, { layer: "introduction", body });
  }

  /** Every seed, by its configured address; how many were told. */
  #tellSeeds(attacker: Attacker, message: Tagged): number {
    const { seedAddresses } = this.#network;
    for (const { host, port } of seedAddresses) attacker.links.send(formatContact("", host, port), message);
    return seedAddresses.length;
  }

  #register(attacker: Attacker, peer: NodeId, number: number): number {
    const statement: PeerRecord = {
      type: "peer-record",
      peer,
      incarnation: Date.now() * 2 + number,
      version: 0,
      since: 1,
      neighbors: [],
    };
    const record = { statement, proof: attacker.signatures.sign(statement) };
    return this.#introduce(attacker, { type: "register", nonce: 1000 + number, record });
  }

  // ---- What came of it ----

  get #isModern(): boolean {
    return profileOf(this.#network.options) === "modern";
  }

  /** As links name it: who named another would not get as far as lying. */
  get #profile(): string {
    return this.#isModern ? "modern" : "";
  }

  get #ignored(): number {
    return this.#network.liveSeeds.reduce((sum, { seed }) => sum + ignoredBy(seed!), 0);
  }

  get #forgeries(): AttackFigures {
    const members = [...this.#members.values()];
    const answers = (type: string) => members.reduce((sum, member) => sum + member.answersOf(type), 0);
    return {
      ...(this.#reports === undefined
        ? {}
        : {
            reportsSent: this.#reports.sent,
            reportsArriving: this.#reports.arriving,
            reportsIgnored: this.#ignored - this.#reports.ignoredBefore,
          }),
      ...(this.#registrations === undefined
        ? {}
        : {
            registrationsSent: this.#registrations.sent,
            ...(this.#isModern
              ? this.#takenByMembers(this.#registrations)
              : { refused: answers("refused"), taken: answers("registered") }),
          }),
    };
  }

  /** A membership does not answer what it drops. */
  #takenByMembers({ count, ignoredBefore }: { readonly count: number; readonly ignoredBefore: number }) {
    const invented = new Set(Array.from({ length: count }, (_, i) => inventedContact(i)));
    const lists = this.#network.liveSeeds.map(({ seed }) => seed!.list);
    const taken = lists.reduce((sum, list) => sum + list.filter(({ peer }) => invented.has(peer)).length, 0);
    return { refused: this.#ignored - ignoredBefore, taken };
  }

  get #outsiders(): AttackFigures {
    if (this.#members.size === 0 || (this.#reports ?? this.#registrations) === undefined) return {};
    const outsider = this.#outsider;
    return {
      hasOutsider: outsider !== undefined,
      ...(outsider === undefined
        ? {}
        : { outsiderRefusedWith: outsider.refusals[0], outsiderHeard: outsider.answers.length }),
    };
  }

  get #junkFigures(): AttackFigures {
    if (this.#junk === undefined) return {};
    const drops: Record<string, number> = {};
    for (const node of this.#network.nodes) {
      for (const [reason, count] of Object.entries(node.links.drops))
        drops[reason] = (drops[reason] ?? 0) + count;
    }
    return {
      connectionsOpened: this.#junk.sockets.length,
      junkHeld: this.#junk.held,
      drops,
      memoryGrownMiB: Math.round((process.memoryUsage.rss() - this.#junk.rssBefore) / 1048576),
    };
  }
}

/** Connections that nobody wants, and whether the attacked still hold any of them. */
class Junk {
  readonly sockets: Socket[];
  readonly rssBefore = process.memoryUsage.rss();
  readonly #nodes: readonly GrapevineNode[];
  readonly #openBefore: number;
  #halfFrames = 0;

  constructor(nodes: readonly GrapevineNode[], earlier?: Junk) {
    this.#nodes = nodes;
    this.#openBefore = this.#open;
    this.sockets = earlier?.sockets ?? [];
  }

  async send(member: Attacker, idleConnections: number): Promise<void> {
    const ports = this.#nodes.map(({ contact }) => portOf(contact));
    for (const port of ports) {
      this.sockets.push(
        await say(port, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
        await say(port, `${"x".repeat(1_000_000)}\n`),
        await say(
          port,
          Uint8Array.from({ length: 2000 }, (_, i) => 0x80 | (i * 37)),
        ),
        await say(port, Uint8Array.of(0, 0, 1)), // three of the four bytes of a length
        await say(port, Uint8Array.of(22, 3, 1, 2, 0, 1, 0)), // the beginning of a TLS hello
      );
    }
    for (const port of ports) this.sockets.push(...(await idle(port, idleConnections)));
    // A member may send half a frame too: his certificate is in order.
    await this.#halfAFrame(member, ports[0]!);
  }

  get held(): number {
    const sockets = this.sockets.filter((socket) => !socket.destroyed).length;
    return sockets + this.#halfFrames + Math.max(0, this.#open - this.#openBefore);
  }

  /** Connections that the attacked hold, neighbors and strangers. */
  get #open(): number {
    return this.#nodes.reduce((sum, { links }) => sum + links.connectionCount, 0);
  }

  async #halfAFrame(member: Attacker, port: number): Promise<void> {
    const connection = await member.links.config.transport.dial({ host: "127.0.0.1", port }, 3000);
    this.#halfFrames++;
    connection.onClose = () => {
      this.#halfFrames--;
    };
    connection.onData = () => {};
    connection.write(Uint8Array.of(0, 0, 0, 200, 1, 2, 3));
  }
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("data", () => {});
    socket.once("connect", () => resolve(socket));
    socket.once("close", () => resolve(socket));
  });
}

async function say(port: number, bytes: string | Uint8Array): Promise<Socket> {
  const socket = await open(port);
  socket.write(bytes);
  return socket;
}

async function idle(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i += 50) {
    sockets.push(...(await Promise.all(Array.from({ length: Math.min(50, count - i) }, () => open(port)))));
  }
  return sockets;
}
