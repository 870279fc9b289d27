/**
 * What a classic node keeps between its lives, and in which bytes: the wire format itself, so that a file is
 * distrusted by the same code as a socket.
 *
 *     peer:  incarnation, contacts, the retained messages, shared state        seed:  the peer list
 */
import { type Persist, type Signed, type Tagged, UsageError } from "../core/index.ts";
import type { AntiEntropyMessage, MapEntry } from "../dissemination/anti-entropy-messages.ts";
import type { Gossip } from "../dissemination/messages.ts";
import type { IntroductionMessage, ListEntry, PeerRecord } from "../membership/messages.ts";
import type { StoredPeer } from "../membership/seed-registry.ts";
import { type Codec, lengthBytes } from "../wire/index.ts";
import type { Store } from "./store.ts";

export interface Remembered {
  /** The highest incarnation that was ever announced; 0 in a first life. */
  readonly incarnation: number;
  readonly contacts: readonly ListEntry[];
  readonly gossip: readonly Gossip[];
  readonly state: readonly MapEntry[];
  readonly peers: readonly StoredPeer[];
  /** Entries that could not be read, and were left out. */
  readonly unreadable: number;
}

const incarnationKey = "introduction/incarnation";

/** Reads what an earlier life left. Never throws for bad content: it is counted and left out. */
export async function remember(store: Store, codec: Codec): Promise<Remembered> {
  let incarnation = 0;
  let contacts: readonly ListEntry[] = [];
  const gossip: Gossip[] = [];
  const state: MapEntry[] = [];
  const peers: StoredPeer[] = [];
  let unreadable = 0;
  for (const [key, bytes] of await store.entries("")) {
    try {
      if (key === incarnationKey) {
        const number = Number(new TextDecoder().decode(bytes));
        if (!Number.isSafeInteger(number) || number < 0) throw new RangeError("incarnation");
        incarnation = number;
        continue;
      }
      const { layer, body } = codec.decode(bytes.subarray(lengthBytes)) as Tagged<
        IntroductionMessage | Gossip | AntiEntropyMessage
      >;
      if (layer === "introduction" && body.type === "peer-list") contacts = body.entries;
      else if (layer === "introduction" && body.type === "sync-delta")
        peers.push(storedPeer(body.entries[0]?.record));
      else if (layer === "broadcast" && body.type === "gossip") gossip.push(body);
      else if (layer === "state" && body.type === "entries") state.push(...body.entries);
      else unreadable++;
    } catch {
      unreadable++;
    }
  }
  gossip.sort((a, b) => a.statement.at - b.statement.at);
  return { incarnation, contacts, gossip, state, peers, unreadable };
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
  return codec.encode({ layer, body: value as Gossip });
}

function introduction(body: IntroductionMessage): Tagged<IntroductionMessage> {
  return { layer: "introduction", body };
}
