/**
 * What a classic node keeps between its lives, and in which bytes: the wire format itself, so that a file is
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

const incarnationKey = "introduction/incarnation";
const routers = ["kademlia", "chord", "pastry"] as const;
/** More than any table holds. */
const maxTableEntries = 8192;

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
      if (key === incarnationKey) {
        const number = Number(new TextDecoder().decode(bytes));
        if (!Number.isSafeInteger(number) || number < 0) throw new RangeError("incarnation");
        incarnation = number;
        continue;
      }
      const router = routers.find((name) => key === `${name}/table`);
      if (router !== undefined) {
        tables[router] = readTable(bytes);
        continue;
      }
      const { layer, body } = codec.decode(bytes.subarray(lengthBytes)) as Tagged<
        IntroductionMessage | Gossip | AntiEntropyMessage | StoreMessage
      >;
      if (layer === "introduction" && body.type === "peer-list") contacts = body.entries;
      else if (layer === "introduction" && body.type === "sync-delta")
        peers.push(storedPeer(body.entries[0]?.record));
      else if (layer === "broadcast" && body.type === "gossip") gossip.push(body);
      else if (layer === "state" && body.type === "entries") state.push(...body.entries);
      else if (layer === "store") records.push(body as StoreMessage);
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
  contacts: z.array(z.tuple([z.string(), z.number().int().min(0)])).max(maxTableEntries),
});

/** A router's table is no message: JSON. */
function writeTable({ savedAt, contacts }: RememberedContacts): Uint8Array {
  const file: z.infer<typeof tableFile> = {
    savedAt,
    contacts: contacts.slice(0, maxTableEntries).map(({ node, ageMs }) => [String(node), Math.round(ageMs)]),
  };
  return new TextEncoder().encode(JSON.stringify(file));
}

/** Throws for whatever is no table. */
function readTable(bytes: Uint8Array): RememberedContacts {
  const { savedAt, contacts } = tableFile.parse(JSON.parse(new TextDecoder().decode(bytes)));
  const readable = contacts.filter(([node]) => isContact(node));
  return {
    type: "remembered-contacts",
    savedAt,
    contacts: readable.map(([node, ageMs]) => ({ node, ageMs })),
  };
}

function isContact(text: string): boolean {
  const id = String(identityOf(text));
  return text.length <= 512 && isKey(id) && formatContact(id, hostOf(text), portOf(text)) === text;
}

function introduction(body: IntroductionMessage): Tagged<IntroductionMessage> {
  return { layer: "introduction", body };
}
