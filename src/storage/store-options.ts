/** Everything about the store that can be set. */
import { defineOptions } from "../core/index.ts";
import { maxLifetimeMs, maxOfferedRecords, minLifetimeMs } from "./store-messages.ts";

export interface StoreOptions {
  readonly replicas: number;
  readonly writeQuorum: number;
  readonly readQuorum: number;
  readonly lifetimeMs: number;
  readonly publishIntervalMs: number;
  readonly republishIntervalMs: number;
  readonly repairDelayMs: number;
  readonly cacheLifetimeMs: number;
  readonly maxAheadMs: number;
  readonly resendMs: number;
  readonly answerTimeoutMs: number;
  readonly operationDeadlineMs: number;
  readonly maxAttempts: number;
  readonly maxOperations: number;
  readonly upkeepIntervalMs: number;
  readonly maxUpkeepBytes: number;
  readonly maxUpkeepRecords: number;
  readonly maxUpkeepLookups: number;
  readonly maxOfferedRecords: number;
  readonly leaveMs: number;
  readonly maxRecords: number;
  readonly maxTotalBytes: number;
  readonly maxRecordsPerSource: number;
  readonly maxBytesPerSource: number;
  readonly maxRecordsPerWriter: number;
  readonly maxBytesPerWriter: number;
  readonly maxCachedRecords: number;
  readonly maxPromises: number;
  readonly maxPublished: number;
  readonly maxWaitingForDisk: number;
}

const hour = 3_600_000;
const mebibyte = 1024 * 1024;

export const storeOptions = defineOptions<StoreOptions>({
  replicas: {
    default: 8,
    min: 1,
    max: 32,
    description:
      "How many of the most responsible nodes keep a record (k of Mainline and libtorrent; the Kademlia paper has 20); the same at all nodes",
  },
  writeQuorum: {
    default: 0,
    min: 0,
    max: 32,
    description:
      "So many replicas must have a record on disk before a put has succeeded; 0: more than half of them, which compare-and-swap needs",
  },
  readQuorum: {
    default: 0,
    min: 0,
    max: 32,
    description:
      "So many replicas must answer before a get ends without waiting long for the others; 0: more than half of them",
  },
  lifetimeMs: {
    default: 48 * hour,
    min: minLifetimeMs,
    max: maxLifetimeMs,
    flag: "store-lifetime",
    description:
      "A record is forgotten after so long unless it is published again (48 h as in go-libp2p; the Kademlia paper has 24 h)",
  },
  publishIntervalMs: {
    default: 24 * hour,
    min: 100,
    max: maxLifetimeMs,
    flag: "store-publish-interval",
    description:
      "How often the node that put a record without a lifetime of its own publishes it again (tRepublish of the Kademlia paper)",
  },
  republishIntervalMs: {
    default: hour,
    min: 100,
    max: maxLifetimeMs,
    flag: "store-republish-interval",
    description:
      "How often those that keep a record see to it that the others do, unless one of them just did (tReplicate of the Kademlia paper)",
  },
  repairDelayMs: {
    default: 5000,
    min: 0,
    max: hour,
    flag: "store-repair-delay",
    description:
      "When a replica is gone, the others wait for a random part of this before they mend it, so that one does it for all (guess)",
  },
  cacheLifetimeMs: {
    default: 24 * hour,
    min: 0,
    max: maxLifetimeMs,
    flag: "store-cache-lifetime",
    description:
      "How long a copy beside the way is kept if no node is between it and the key; half of it for each node that is; 0: none (Kademlia paper, section 2.3: exponentially shorter; the base is a guess)",
  },
  maxAheadMs: {
    default: 300_000,
    min: 0,
    max: 24 * hour,
    flag: "store-max-ahead",
    description: "A record from further in the future than this is refused (guess: clocks are set by NTP)",
  },
  resendMs: {
    default: 500,
    min: 1,
    max: 60_000,
    flag: "store-resend",
    description:
      "A question without an answer is asked again after this, and then after twice as long (guess)",
  },
  answerTimeoutMs: {
    default: 2000,
    min: 1,
    max: 60_000,
    flag: "store-answer-timeout",
    description: "A replica that has not answered by then counts as silent (guess: a slow disk answers)",
  },
  operationDeadlineMs: {
    default: 20_000,
    min: 1,
    max: 600_000,
    flag: "store-deadline",
    description: "A put, get or delete that has not ended by then ends with what it has (guess)",
  },
  maxAttempts: {
    default: 6,
    min: 1,
    max: 100,
    flag: "store-max-attempts",
    description: "So often a put tries again with a higher sequence number when others write at once (guess)",
  },
  maxOperations: {
    default: 256,
    min: 1,
    max: 65_536,
    flag: "store-max-operations",
    description: "Puts, gets and deletes under way at once; more are refused (guess)",
  },
  upkeepIntervalMs: {
    default: 250,
    min: 1,
    max: 60_000,
    flag: "store-upkeep-interval",
    description: "Hand-over and repair take place in portions, one in each interval (guess)",
  },
  maxUpkeepBytes: {
    default: 256 * 1024,
    min: 1024,
    max: 64 * mebibyte,
    flag: "store-max-upkeep-bytes",
    description: "Most bytes of records that are handed over in one interval: 1 MiB/s by default (guess)",
  },
  maxUpkeepRecords: {
    default: 64,
    min: 1,
    max: 65_536,
    flag: "store-max-upkeep-records",
    description: "Most records that are handed over in one interval (guess)",
  },
  maxUpkeepLookups: {
    default: 4,
    min: 1,
    max: 256,
    flag: "store-max-upkeep-lookups",
    description:
      "Most lookups at once for records that lie far from this node, to find whose they are now (guess)",
  },
  maxOfferedRecords: {
    default: 16,
    min: 1,
    max: maxOfferedRecords,
    flag: "store-max-offered",
    description: "Most records that one offer names (some 60 bytes each: 16 fit a datagram of 1,200)",
  },
  leaveMs: {
    default: 5000,
    min: 0,
    max: 600_000,
    flag: "store-leave",
    description: "How long a node that leaves hands over what it keeps (guess)",
  },
  maxRecords: {
    default: 65_536,
    min: 1,
    max: 16_777_216,
    flag: "store-max-records",
    description: "Most records that this node keeps (guess)",
  },
  maxTotalBytes: {
    default: 256 * mebibyte,
    min: 1024,
    max: 64 * 1024 * mebibyte,
    flag: "store-max-bytes",
    description: "Most bytes of records that this node keeps: names, values, proofs and 256 for each (guess)",
  },
  maxRecordsPerSource: {
    default: 16_384,
    min: 1,
    max: 16_777_216,
    flag: "store-max-records-per-source",
    description: "Most of them that one node sent (guess: a quarter)",
  },
  maxBytesPerSource: {
    default: 64 * mebibyte,
    min: 1024,
    max: 64 * 1024 * mebibyte,
    flag: "store-max-bytes-per-source",
    description: "Most bytes of them that one node sent (guess: a quarter)",
  },
  maxRecordsPerWriter: {
    default: 32_768,
    min: 1,
    max: 16_777_216,
    flag: "store-max-records-per-writer",
    description: "Most of them that one member wrote (guess: half)",
  },
  maxBytesPerWriter: {
    default: 128 * mebibyte,
    min: 1024,
    max: 64 * 1024 * mebibyte,
    flag: "store-max-bytes-per-writer",
    description: "Most bytes of them that one member wrote (guess: half)",
  },
  maxCachedRecords: {
    default: 1024,
    min: 0,
    max: 16_777_216,
    flag: "store-max-cached",
    description: "Most copies beside the way that this node keeps, in memory only (guess)",
  },
  maxPromises: {
    default: 4096,
    min: 1,
    max: 1_048_576,
    flag: "store-max-promises",
    description: "Most compare-and-swaps that this node has promised a number and not yet seen (guess)",
  },
  maxPublished: {
    default: 4096,
    min: 0,
    max: 1_048_576,
    flag: "store-max-published",
    description: "Most records that this node publishes again (guess)",
  },
  maxWaitingForDisk: {
    default: 1024,
    min: 1,
    max: 1_048_576,
    flag: "store-max-waiting",
    description: "Most answers that wait for the disk; more are refused (guess)",
  },
});
