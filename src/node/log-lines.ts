/**
 * What people read: the lines of outputfile.txt and of the screen. The documents say what is listed (the seed
 * report, section 8; the implementation report, section 8.2); everything else is in the trace only.
 *
 * Texts that came over the network are hostile: nothing of them reaches a terminal that could move its cursor,
 * begin a new line or turn the reading direction.
 */
import {
  addressOf,
  hostOf,
  identityOf,
  type Millis,
  type NodeId,
  portOf,
  type Typed,
} from "../core/index.ts";
import type { BroadcastNotice } from "../dissemination/broadcast.ts";
import type { GossipSourceNotice } from "../dissemination/gossip-source.ts";
import type { Payload } from "../dissemination/messages.ts";
import type { SharedStateNotice } from "../dissemination/shared-state.ts";
import type { ChordNotice } from "../lookup/chord.ts";
import type { KademliaNotice } from "../lookup/kademlia.ts";
import type { PastryNotice } from "../lookup/pastry.ts";
import type { HeartbeatNotice } from "../membership/heartbeat.ts";
import type { HyParViewNotice } from "../membership/hyparview.ts";
import type { OverlayNotice } from "../membership/overlay.ts";
import type { RegistrationNotice } from "../membership/registration.ts";
import type { SeedRegistryNotice } from "../membership/seed-registry.ts";
import type { SwimNotice } from "../membership/swim.ts";
import type { StoreNotice } from "../storage/store-commands.ts";
import type { TransportErrorCode } from "../transport/index.ts";
import type { ShellNotice } from "./node.ts";

export type LogLevel = "info" | "warn";

export interface LogLine {
  readonly text: string;
  readonly level: LogLevel;
}

/** The little of a node that its log shows. */
export interface LoggedNode {
  readonly name: string;
  readonly role: string;
  readonly contact: NodeId;
}

export interface LogLineOptions {
  /** PING and PING_REPLY too. One report lists them, the other says that they need not be: hence a switch. */
  readonly pings: boolean;
  /** Seeds compare their lists all the time; that they agree is news only after a change (see `LogLines`). */
  readonly agreements?: boolean;
}

/** Every notice of every layer of both profiles. */
export type AnyNotice =
  | RegistrationNotice
  | OverlayNotice
  | HeartbeatNotice
  | BroadcastNotice
  | GossipSourceNotice
  | SharedStateNotice
  | SeedRegistryNotice
  | SwimNotice
  | HyParViewNotice
  | ChordNotice
  | KademliaNotice
  | PastryNotice
  | StoreNotice
  | ShellNotice;

const maxPayloadCharacters = 200;
const maxNamesInLine = 16;

/** The line for a notice; undefined where the documents do not list it. Pure, but for the time zone of the machine. */
export function logLine(
  at: Millis,
  _layer: string,
  notice: Typed,
  node: LoggedNode,
  options: LogLineOptions,
): LogLine | undefined {
  const said = sayNotice(notice as AnyNotice, node, options);
  if (said === undefined) return undefined;
  const [level, text] = said;
  return { level, text: `${localTime(at)} ${text}` };
}

/**
 * `logLine` for the notices of one node in order: it remembers whether a seed's list has changed since it last
 * agreed with another seed, and leaves out the agreements that say nothing new.
 */
export class LogLines {
  readonly #options: LogLineOptions;
  #changes = 0;
  /** At which change this seed last agreed with that one. At most one entry for each configured seed. */
  readonly #agreedAt = new Map<NodeId, number>();

  constructor(options: LogLineOptions) {
    this.#options = options;
  }

  next(at: Millis, layer: string, notice: Typed, node: LoggedNode): LogLine | undefined {
    let agreements = false;
    switch (notice.type) {
      case "peer-listed":
      case "peer-removed":
        this.#changes++;
        break;
      case "seeds-agree": {
        const { seed } = notice as Typed & { seed: NodeId };
        agreements = (this.#agreedAt.get(seed) ?? 0) !== this.#changes;
        this.#agreedAt.set(seed, this.#changes);
        break;
      }
    }
    return logLine(at, layer, notice, node, { ...this.#options, agreements });
  }
}

/** Reasons of a failed dial that somebody has to look at: what answers is not ours, or this machine does not let us. */
const needsOperator: ReadonlySet<string> = new Set<TransportErrorCode>([
  "wrong-cluster",
  "no-certificate",
  "bad-certificate",
  "not-tls",
  "speaks-tls",
  "handshake-failed",
  "unknown-host",
  "bad-address",
  "no-permission",
  "too-many-files",
]);

type Said = readonly [level: LogLevel, text: string] | undefined;

/** A new notice fails to compile here until somebody has decided whether it is listed. */
function sayNotice(notice: AnyNotice, node: LoggedNode, options: LogLineOptions): Said {
  switch (notice.type) {
    // Registration, the peer's side.
    case "registering":
      return ["info", `Registering with seed ${show(notice.seed)}`];
    case "registered":
      return [
        "info",
        `Registered with seed ${show(notice.seed)}, ${notice.count} of ${notice.quorum} needed; its list has ${peers(notice.listSize)}`,
      ];
    case "seed-silent":
      return ["warn", `Seed ${show(notice.seed)} did not answer`];
    case "seed-refused":
      return ["warn", `Seed ${show(notice.seed)} refused the registration: ${escapeText(notice.reason)}`];
    case "list-received":
      if (!notice.isFirst) return undefined;
      return [
        "info",
        `Peer list from seed ${show(notice.seed)}: ${notice.peers.map(show).join(", ") || "empty"}`,
      ];

    // Registration, the seed's side.
    case "registration-requested":
      return ["info", `Registration requested by ${show(notice.peer)}`];
    case "registration-refused":
      return ["warn", `Registration of ${show(notice.peer)} refused: ${escapeText(notice.reason)}`];
    case "peer-listed": {
      const how = notice.by === "registration" ? "Registered" : "Taken over from another seed:";
      return ["info", `${how} ${show(notice.peer)}; the list has ${peers(notice.size)}`];
    }
    case "peer-removed": {
      const by = notice.reporters.length === 0 ? "" : `, reported by ${showAll(notice.reporters)}`;
      return [
        "warn",
        `Removed ${show(notice.peer)} (${notice.reason}${by}); the list has ${peers(notice.size)}`,
      ];
    }
    case "list-handed-out":
      return ["info", `List handed out to ${show(notice.to)}: ${notice.entries} of ${peers(notice.total)}`];

    // Dead nodes.
    case "dead-node":
      return ["warn", `${deadNodeText(notice)} (${notice.misses} pings unanswered; told to all seeds)`];
    case "dead-report-received":
      return [
        "warn",
        `${deadNodeText(notice)} (reported by ${show(notice.reporter)}, ${notice.reports} of ${notice.required} required)`,
      ];
    case "dead-report-ignored":
      return [
        "warn",
        `Report by ${show(notice.reporter)} that ${show(notice.suspect)} is dead ignored: ${escapeText(notice.reason)}`,
      ];
    case "suspect-answered":
      return ["info", `${show(notice.peer)} was reported dead and answers: it stays in the list`];
    case "suspected": {
      const asked =
        notice.witnesses.length === 0 ? "there is nobody to ask" : `asking ${showAll(notice.witnesses)}`;
      return ["warn", `Suspected: ${show(notice.neighbor)}, ${notice.misses} pings unanswered; ${asked}`];
    }
    case "neighbor-unreachable":
      return [
        "warn",
        `Suspicion withdrawn: ${show(notice.witness)} reaches ${show(notice.neighbor)}, only we do not`,
      ];
    case "refuted":
      return ["warn", `Taken for dead by others: refuted, now in life ${notice.incarnation}`];

    case "renewed":
      return ["info", `What this node says of itself has changed: now in life ${notice.incarnation}`];

    // Agreement among seeds.
    case "seeds-reconciled":
      if (notice.asked === 0) return undefined;
      return [
        "info",
        `Reconciling with seed ${show(notice.seed)}: ${notice.asked} ${notice.asked === 1 ? "entry" : "entries"} to fetch; the list has ${peers(notice.size)}`,
      ];
    case "seeds-agree":
      if (options.agreements !== true) return undefined;
      return [
        "info",
        `Agreed with seed ${show(notice.seed)}: both lists have the same ${peers(notice.size)}`,
      ];

    // Links.
    case "neighbor-up":
      return ["info", `Link up: ${show(notice.neighbor)}`];
    case "neighbor-down":
      return [
        notice.reason === "failed" ? "warn" : "info",
        `Link down: ${show(notice.neighbor)} (${notice.reason})`,
      ];
    case "peer-left":
      return ["info", `Peer left: ${show(notice.peer)}`];
    case "left":
      return ["info", "Leaving the network"];

    // Gossip.
    case "published":
      return ["info", `Gossip generated, message ${notice.sequence}: ${showPayload(notice.payload)}`];
    case "delivered":
      return [
        "info",
        `Gossip from ${show(notice.from)}, message ${notice.sequence} of ${show(notice.origin)}: ${showPayload(notice.payload)}`,
      ];
    case "forwarded": {
      const whose = notice.origin === node.contact ? "Own gossip" : "Gossip";
      const origin = notice.origin === node.contact ? "" : ` of ${show(notice.origin)}`;
      const last = notice.sequence + notice.count - 1;
      const which = notice.count === 1 ? `message ${last}` : `messages ${notice.sequence} to ${last}`;
      return ["info", `${whose} forwarded, ${which}${origin}: to ${showAll(notice.to)}`];
    }

    // Pings.
    case "ping-sent":
      return options.pings ? ["info", `PING to ${show(notice.neighbor)}`] : undefined;
    case "ping-answered":
      return options.pings
        ? ["info", `PING_REPLY from ${show(notice.neighbor)} after ${notice.rttMs} ms`]
        : undefined;
    case "ping-missed":
      return options.pings
        ? ["warn", `PING to ${show(notice.neighbor)} unanswered, ${notice.misses} in a row`]
        : undefined;

    // Lookup and store.
    case "router-joined":
      return [
        "info",
        `Part of the lookup network${notice.through === undefined ? "" : `, joined through ${show(notice.through)}`}, after ${notice.afterMs} ms`,
      ];
    case "lookup-ended": {
      if (notice.asker !== "user") return undefined;
      const { key, outcome, closest, hops, startedAt, endedAt } = notice.report;
      const who = closest[0] === undefined ? "nobody" : show(closest[0].node);
      return [
        "info",
        `Lookup of ${key}: ${outcome}, ${who}, after ${hops} hops and ${endedAt - startedAt} ms`,
      ];
    }
    case "store-ended": {
      const { operation, outcome, key, replicas, startedAt, endedAt } = notice;
      const isWell = ["stored", "found", "deleted", "missing"].includes(outcome);
      return [
        isWell ? "info" : "warn",
        `Store, ${operation} of ${key}: ${outcome}, ${replicas.length} replicas asked, after ${endedAt - startedAt} ms`,
      ];
    }

    // The shell.
    case "listening":
      return [
        "info",
        `${escapeText(node.name)}, a ${notice.role}, listens as ${escapeText(String(notice.contact))}`,
      ];
    case "stopped":
      return ["info", `Stopped: ${escapeText(notice.reason)}`];
    case "warning":
      return ["warn", `Warning: ${escapeText(notice.text)}`];
    case "link-refused":
      return ["warn", `Link refused: ${linkText(notice)}`];
    case "link-cut":
      return ["warn", `Link cut: ${linkText(notice)}`];
    case "message-unsendable":
      return ["warn", `Message not sent: ${linkText(notice)}`];
    case "dial-failed":
      // That somebody is not there shows in other lines; these do not mend themselves.
      return needsOperator.has(notice.reason) ? ["warn", `Cannot connect: ${linkText(notice)}`] : undefined;

    // SWIM
    case "membership-joined":
      return ["info", `Joined through ${show(notice.through)}: ${peers(notice.members)} known`];
    case "member-up":
      return ["info", `Member up: ${show(notice.peer)}`];
    case "member-suspected":
      return ["warn", `Member suspected: ${show(notice.peer)}, by ${showAll(notice.by)}`];
    case "member-cleared":
      return ["info", `Member lives: ${show(notice.peer)}`];
    case "member-failed":
      return ["warn", `Member failed: ${show(notice.peer)}, by the word of ${showAll(notice.by)}`];
    case "local-health":
      // Whenever somebody dies all who ask in vain give others more time for a moment: that would bury the death itself.
      if (!notice.reason.startsWith("stood still")) return undefined;
      return ["warn", `This node ${notice.reason}: it gives others ${notice.score + 1} times as long`];
    case "identity-shared":
      return [
        "warn",
        `Another process runs with this node's key, at ${show(notice.with)}: stop one of them, or give it a data folder of its own`,
      ];
    case "view-partial":
      return [
        "info",
        `${peers(notice.members)} are more than a full view holds: from now on a sample is kept`,
      ];

    // In the trace only: other lines tell the same, or nobody asked for it.
    case "neighbor-failed": // dead-node follows
    case "neighbor-one-sided": // neighbor-down follows
    case "peer-met":
    case "publish": // published follows
    case "source-finished":
    case "forged-gossip":
    case "forged-entry":
    case "state-changed":
    case "updated":
    case "certificate-awakened":
    case "history-sent":
    case "removed":
    case "probe-failed": // member-suspected follows
    case "leaving": // left follows
    case "coverage":
    case "persist":
    case "link-open":
    case "link-closed":
    case "session-open":
    case "session-closed":
    case "greeting-failed":
    case "lookup-step":
    case "find-nodes":
    case "contact-up":
    case "contact-down":
    case "ring-changed":
    case "connectivity-verified":
    case "store-left":
      return undefined;
    default:
      notice satisfies never; // a layer that this build does not know
      return undefined;
  }
}

/**
 * The text of the documents: `Dead Node:<IP>:<Port>:<timestamp>:<reporter IP>`, with the time in milliseconds since
 * 1970 and IPv6 in brackets, so that it can be split at its colons.
 */
export function deadNodeText(report: {
  readonly suspect: NodeId;
  readonly at: Millis;
  readonly reporter: NodeId;
}): string {
  return `Dead Node:${ip(report.suspect)}:${portOf(report.suspect)}:${report.at}:${ip(report.reporter)}`;
}

function ip(node: NodeId): string {
  const host = hostOf(node);
  return escapeText(host.includes(":") ? `[${host}]` : host);
}

/** `2026-02-26 19:39:24.007`, by the clock and the time zone of this machine. */
export function localTime(at: Millis): string {
  const date = new Date(at);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const millis = String(date.getMilliseconds()).padStart(3, "0");
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${millis}`;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

/** First 8 digits of the id and the address: `1a2b3c4d@10.0.0.1:9000`; only the address where no id is known. */
export function shortContact(node: NodeId): string {
  if (typeof node === "number") return String(node);
  const id = String(identityOf(node)).slice(0, 8);
  if (!node.includes("@")) return escapeText(id);
  return escapeText(id === "" ? addressOf(node) : `${id}@${addressOf(node)}`);
}

const show = shortContact;

function showAll(nodes: readonly NodeId[]): string {
  const shown = nodes.slice(0, maxNamesInLine).map(show).join(", ");
  return nodes.length > maxNamesInLine ? `${shown} and ${nodes.length - maxNamesInLine} more` : shown;
}

function peers(count: number): string {
  return count === 1 ? "1 peer" : `${count} peers`;
}

function linkText({ remote, reason, detail }: { remote: string; reason: string; detail?: string }): string {
  return escapeText(`${remote}, ${reason}${detail === undefined ? "" : ` (${detail})`}`);
}

/** A payload as a reader may see it: bytes as their number, texts escaped and cut. */
export function showPayload(payload: Payload): string {
  if (typeof payload !== "string") return `<${payload.length} bytes>`;
  if (payload.length <= maxPayloadCharacters) return escapeText(payload);
  // Not between the halves of a surrogate pair.
  const half = /[\ud800-\udbff]/.test(payload[maxPayloadCharacters - 1]!) ? 1 : 0;
  return `${escapeText(payload.slice(0, maxPayloadCharacters - half))}… (${payload.length} characters)`;
}

/**
 * What may not reach a terminal or begin a line: control characters (C0, DEL, C1), line and paragraph separators,
 * marks that turn the reading direction or take no room (but the two joiners that scripts need), halves of
 * surrogate pairs, tag characters.
 */
const hostile =
  /[\p{Cc}\p{Cs}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** `\n` and `\x1b` instead of the characters themselves. The documents' own texts pass unchanged. */
export function escapeText(text: string): string {
  return text.replace(hostile, (character) => {
    switch (character) {
      case "\n":
        return "\\n";
      case "\r":
        return "\\r";
      case "\t":
        return "\\t";
    }
    const code = character.codePointAt(0)!;
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\u{${code.toString(16)}}`;
  });
}
