/**
 * What the runs of a campaign do with the store, and what its users may expect to read afterwards:
 *
 *     no-acknowledged-value-is-lost    what was said to be stored, or something newer, is there
 *     reads-are-of-the-latest          and no read after the calm gives an older one
 *     nothing-is-invented              whatever is read was put by somebody under that name
 *
 * A put whose quorum had to be capped, because its node knew fewer nodes than that, promises nothing here: it may have
 * been alone on its side of a partition.
 */
import {
  identityOf,
  type Key,
  keyOfName,
  type Millis,
  type Random,
  type RecordKind,
  type RecordStatement,
  sample,
} from "../../../core/index.ts";
import {
  compareRecords,
  type DeleteRecord,
  type GetRecord,
  keyOfOwned,
  type PutRecord,
  type StoreEnded,
} from "../../../storage/index.ts";
import type { AskedOperation, LookupNetwork } from "../lookup-network.ts";
import type { Use } from "./draft.ts";

export type StoreOperation = Exclude<Use, { do: "lookup" }>;
type StoreCommand = Omit<PutRecord, "request"> | Omit<GetRecord, "request"> | Omit<DeleteRecord, "request">;

export interface StoreFault {
  readonly invariant: string;
  readonly detail: string;
}

/** How many of the living read each record at the end. */
const readers = 3;

/** One record, and all that was ever done to it. */
interface Used {
  readonly kind: RecordKind;
  readonly name: string;
  readonly owner: number | undefined;
  readonly key: Key;
  /** Put by somebody, acknowledged or not. */
  readonly values: Set<string>;
  readonly writes: AskedOperation<StoreCommand>[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class StoreUse {
  readonly #network: LookupNetwork;
  readonly #note: (name: string) => void;
  readonly #used = new Map<string, Used>();
  readonly #others: AskedOperation<StoreCommand>[] = [];

  /** `note` is told what has happened, by name. */
  constructor(network: LookupNetwork, note: (name: string) => void) {
    this.#network = network;
    this.#note = note;
  }

  /** Where something was put. */
  get keys(): readonly Key[] {
    return [...this.#used.values()].map(({ key }) => key);
  }

  operate(use: StoreOperation): void {
    const used = this.#usedFor(use);
    if (used === undefined) return;
    const { kind, name } = used;
    this.#note(use.do);
    if (use.do === "get") {
      this.#others.push(this.#network.operate(use.node, this.#read(used)));
      return;
    }
    if (use.do === "put") used.values.add(use.value);
    const command: StoreCommand =
      use.do === "put"
        ? { type: "put", kind, value: encoder.encode(use.value), ...(kind === "immutable" ? {} : { name }) }
        : { type: "delete", kind: kind as "owned" | "shared", name };
    used.writes.push(this.#network.operate(use.node, command));
  }

  /** Everything that was put is read by some of the living. */
  readEverything(random: Random, patienceMs: Millis): StoreFault[] {
    const network = this.#network;
    const reads = [...this.#used.values()].flatMap((used) =>
      sample(network.living.all(), readers, random).map((row) => ({
        used,
        asked: network.operate(row, this.#read(used)),
      })),
    );
    network.finish(patienceMs);
    this.#noteOutcomes();
    return reads.flatMap(({ used, asked }) => this.#faultOf(used, asked));
  }

  #faultOf(used: Used, asked: AskedOperation): StoreFault[] {
    const ended = asked.ended as StoreEnded | undefined;
    const what = `${used.kind} "${used.name}"`;
    if (ended === undefined)
      return [{ invariant: "reads-end", detail: `node ${asked.row} gets no answer about ${what}` }];
    this.#note("read-after-calm");
    const found = ended.record?.statement;
    const faults: StoreFault[] = [];
    if (found?.value !== undefined && !used.values.has(decoder.decode(found.value)))
      faults.push({ invariant: "nothing-is-invented", detail: `${what} is ${shown(found)}` });
    const latest = this.#latestAcknowledged(used);
    if (latest === undefined) return faults;
    this.#note("read-of-an-acknowledged-value");
    if (found !== undefined && compareRecords(found, latest) >= 0) return faults;
    const said = `node ${asked.row} reads ${found === undefined ? ended.outcome : shown(found)} for ${what}`;
    const invariant = found === undefined ? "no-acknowledged-value-is-lost" : "reads-are-of-the-latest";
    return [...faults, { invariant, detail: `${said}; acknowledged was ${shown(latest)}` }];
  }

  #latestAcknowledged({ writes }: Used): RecordStatement | undefined {
    let latest: RecordStatement | undefined;
    for (const { ended } of writes) {
      const end = ended as StoreEnded | undefined;
      if (end?.outcome !== "stored" || end.isCapped || end.record === undefined) continue;
      const { statement } = end.record;
      if (latest === undefined || compareRecords(statement, latest) > 0) latest = statement;
    }
    return latest;
  }

  #noteOutcomes(): void {
    const operations = [...this.#others, ...[...this.#used.values()].flatMap(({ writes }) => writes)];
    for (const { ended, command } of operations) {
      const end = ended as StoreEnded | undefined;
      const capped = end?.isCapped === true && end.operation !== "get" ? "-capped" : "";
      this.#note(end === undefined ? `${command.type}-unended` : `${end.operation}-${end.outcome}${capped}`);
    }
  }

  #read({ kind, name, owner, key }: Used): StoreCommand {
    if (kind === "immutable") return { type: "get", kind, key };
    return { type: "get", kind, name, owner: owner === undefined ? undefined : this.#idOf(owner) };
  }

  /** Undefined if somebody reads or deletes what was never put, because shrinking has left that out. */
  #usedFor(use: StoreOperation): Used | undefined {
    const id = `${use.kind} ${use.name}`;
    const known = this.#used.get(id);
    if (known !== undefined || use.do !== "put") return known;
    const owner = use.kind === "owned" ? use.node : undefined;
    const key =
      owner === undefined
        ? keyOfName(use.kind === "immutable" ? encoder.encode(use.value) : use.name)
        : keyOfOwned(identityOf(this.#idOf(owner)), use.name);
    const used: Used = { kind: use.kind, name: use.name, owner, key, values: new Set(), writes: [] };
    this.#used.set(id, used);
    return used;
  }

  #idOf(row: number) {
    return this.#network.keys.nodes[row]!.node;
  }
}

function shown({ value, sequence }: RecordStatement): string {
  return `${value === undefined ? "a deletion" : `"${decoder.decode(value)}"`} (sequence ${sequence})`;
}
