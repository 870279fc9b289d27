/**
 * What a node keeps between its lives, and in which bytes: the wire format itself, so that a file is
 * distrusted by the same code as a socket.
 *
 *     peer:  incarnation, contacts, the retained messages, shared state, the router's table, records
 *     seed:  the peer list
 */
import { z } from "zod";
import {
  formatContact,
  hostOf,
  identityOf,
  isKey,
  type Persist,
  portOf,
  type RememberedContacts,
  type Signed,
  type Tagged,
  UsageError,
} from "../core/index.ts";
import type { AntiEntropyMessage, MapEntry } from "../dissemination/anti-entropy-messages.ts";
import type { Gossip } from "../dissemination/messages.ts";
import type { IntroductionMessage, ListEntry, PeerRecord } from "../membership/messages.ts";
import type { StoredPeer } from "../membership/seed-registry.ts";
import type { RestoredRouting } from "../profiles/routing.ts";
import type { StoreMessage } from "../storage/store-messages.ts";
import { isHost, isPort } from "../wire/host.ts";
import { type Codec, lengthBytes } from "../wire/index.ts";
import type { Store } from "./store.ts";

export interface Remembered {
  /** The highest incarnation that was ever announced; 0 in a first life. */
  readonly incarnation: number;
  readonly contacts: readonly ListEntry[];
  readonly gossip: readonly Gossip[];
  readonly state: readonly MapEntry[];
  readonly peers: readonly StoredPeer[];
  readonly routing: RestoredRouting;
  /** Entries that could not be read, and were left out. */
  readonly unreadable: number;
}

const memberships = ["introduction", "membership"] as const;
const routers = ["kademlia", "chord", "pastry"] as const;
/** More than any table holds. */
const maxTableEntries = 8192;
/** Far more than so many contacts take: longer ones are not even read. */
const maxTableBytes = 4 * 1024 * 1024;

/** Reads what an earlier life left. Never throws for bad content: it is counted and left out. */
export async function remember(store: Store, codec: Codec): Promise<Remembered> {
  let incarnation = 0;
  let contacts: readonly ListEntry[] = [];
  const gossip: Gossip[] = [];
  const state: MapEntry[] = [];
  const peers: StoredPeer[] = [];
  const records: StoreMessage[] = [];
  const tables: { -readonly [Name in (typeof routers)[number]]?: RememberedContacts } = {};
  let unreadable = 0;
  for (const [key, bytes] of await store.entries("")) {
    try {
      // Whichever profile the earlier life had: the incarnation only grows, and contacts are contacts.
      if (memberships.some((layer) => key === `${layer}/incarnation`)) {
        const number = Number(new TextDecoder().decode(bytes));
        if (!Number.isSafeInteger(number) || number < 0) throw new RangeError("incarnation");
        incarnation = Math.max(incarnation, number);
        continue;
      }
      const router = routers.find((name) => key === `${name}/table`);
      if (router !== undefined) {
        const { table, leftOut } = readTable(bytes);
        tables[router] = table;
        unreadable += leftOut;
        continue;
      }
      const { layer, body } = codec.decode(bytes.subarray(lengthBytes)) as Tagged<
        IntroductionMessage | Gossip | AntiEntropyMessage | StoreMessage
      >;
      if (layer === "introduction" && key === "membership/contacts" && body.type === "peer-list") {
        contacts = body.entries;
        continue;
      }
      if (!key.startsWith(`${layer}/`)) throw new UsageError(`${key} holds what is of layer ${layer}`);
      if (layer === "introduction" && body.type === "peer-list") contacts = body.entries;
      else if (layer === "introduction" && body.type === "sync-delta")
        peers.push(storedPeer(body.entries[0]?.record));
      else if (layer === "broadcast" && body.type === "gossip") gossip.push(body);
      else if (layer === "state" && body.type === "entries") state.push(...body.entries);
      else if (layer === "store" && (body.type === "store" || body.type === "reserve")) records.push(body);
      else unreadable++;
    } catch {
      unreadable++;
    }
  }
  gossip.sort((a, b) => a.statement.at - b.statement.at);
  return { incarnation, contacts, gossip, state, peers, routing: { ...tables, records }, unreadable };
}

function storedPeer(record: Signed<PeerRecord> | undefined): StoredPeer {
  if (record === undefined) throw new UsageError("an entry of the peer list has no record");
  return { record };
}

/** Writes one `persist` notice of a layer. */
export function persist(
  store: Store,
  codec: Codec,
  layer: string,
  notice: Persist,
  onDurable?: () => void,
): void {
  const key = `${layer}/${notice.key}`;
  store.put(key, notice.value === undefined ? undefined : encode(codec, layer, notice), onDurable);
}

function encode(codec: Codec, layer: string, { key, value }: Persist): Uint8Array {
  if (key === "table") return writeTable(value as RememberedContacts);
  if (layer === "state") {
    const body: AntiEntropyMessage = { type: "entries", entries: [value as MapEntry], isPartial: false };
    return codec.encode({ layer, body });
  }
  if (key === "incarnation") return new TextEncoder().encode(String(value));
  if (key === "contacts") {
    const entries = value as readonly ListEntry[];
    return codec.encode(introduction({ type: "peer-list", nonce: 0, total: entries.length, entries }));
  }
  if (layer === "introduction") {
    const { record } = value as StoredPeer;
    return codec.encode(
      introduction({ type: "sync-delta", nonce: 0, entries: [{ record, reports: [], leave: undefined }] }),
    );
  }
  return codec.encode({ layer, body: value as Gossip | StoreMessage });
}

const tableFile = z.object({
  savedAt: z.number().int().min(0),
  contacts: z.array(z.unknown()),
});
const tableEntry = z.tuple([z.string(), z.number().int().min(0)]);

/** A router's table is no message: JSON. */
function writeTable({ savedAt, contacts }: RememberedContacts): Uint8Array {
  const entries: z.infer<typeof tableEntry>[] = contacts
    .slice(0, maxTableEntries)
    .map(({ node, ageMs }) => [String(node), Math.max(0, Math.round(ageMs))]);
  const file: z.infer<typeof tableFile> = { savedAt, contacts: entries };
  return new TextEncoder().encode(JSON.stringify(file));
}

/** Throws for whatever is no table. Contacts that are none, and those beyond the bound, are left out and counted. */
function readTable(bytes: Uint8Array): { readonly table: RememberedContacts; readonly leftOut: number } {
  if (bytes.length > maxTableBytes) throw new RangeError("a table of this size is none of ours");
  const { savedAt, contacts } = tableFile.parse(JSON.parse(new TextDecoder().decode(bytes)));
  const readable = contacts.slice(0, maxTableEntries).flatMap((entry) => {
    const { success, data } = tableEntry.safeParse(entry);
    return success && isContact(data[0]) ? [{ node: data[0], ageMs: data[1] }] : [];
  });
  const table: RememberedContacts = { type: "remembered-contacts", savedAt, contacts: readable };
  return { table, leftOut: contacts.length - readable.length };
}

/** As on the wire: an identity, a host and a port that there can be, in the one way to write them. */
function isContact(text: string): boolean {
  const id = String(identityOf(text));
  const host = hostOf(text);
  const port = portOf(text);
  return isKey(id) && isHost(host) && isPort(port) && formatContact(id, host, port) === text;
}

function introduction(body: IntroductionMessage): Tagged<IntroductionMessage> {
  return { layer: "introduction", body };
}
