/** What the runs of a campaign do with the store, and what the ledger says of what is read at the end. */
import {
  identityOf,
  type Key,
  type KeyedNode,
  keyOfName,
  type Millis,
  type Random,
  sample,
  type Typed,
} from "../../../core/index.ts";
import {
  type DeleteRecord,
  keyOfOwned,
  type PutRecord,
  type RecordAddress,
  type StoreEnded,
  slotOf,
} from "../../../storage/index.ts";
import type { AskedOperation, LookupNetwork } from "../lookup-network.ts";
import { getOf, StoreLedger, type StoreViolation } from "../store-ledger.ts";
import type { Use } from "./draft.ts";

export type StoreOperation = Exclude<Use, { do: "lookup" }>;

/** How many of the living read each record at the end. */
const readers = 3;

/** The words of a campaign for what the ledger finds. */
const invariants: Record<StoreViolation["type"], string> = {
  lost: "no-acknowledged-value-is-lost",
  old: "reads-are-of-the-latest",
  invented: "nothing-is-invented",
  unanswered: "reads-end",
};

const encoder = new TextEncoder();

export class StoreUse {
  readonly ledger = new StoreLedger();
  readonly #network: LookupNetwork;
  readonly #note: (name: string) => void;
  /** By what steps call it. */
  readonly #records = new Map<string, RecordAddress>();
  readonly #operations: AskedOperation[] = [];

  /** `note` is told what has happened, by name. */
  constructor(network: LookupNetwork, note: (name: string) => void) {
    this.#network = network;
    this.#note = note;
  }

  /** Where something was put. */
  get keys(): readonly Key[] {
    return [...this.#records.values()].map(({ key }) => key);
  }

  onNotice(row: number, notice: Typed): void {
    this.ledger.onNotice(row, notice);
  }

  operate(use: StoreOperation): void {
    const name = `${use.kind} ${use.name}`;
    // Shrinking may have left out the put of what is read or deleted.
    const address = this.#records.get(name) ?? (use.do === "put" ? this.#addressOf(use) : undefined);
    if (address === undefined) return;
    this.#records.set(name, address);
    this.#note(use.do);
    if (use.do === "get") return this.#operate(use.node, getOf(address));
    const value = use.do === "put" ? encoder.encode(use.value) : undefined;
    this.ledger.onAsked(address, value);
    this.#operate(use.node, value === undefined ? deletionOf(use) : putOf(use, value));
  }

  #operate(node: number, command: Typed): void {
    this.#operations.push(this.#network.operate(node, command));
  }

  /** Everything that was put is read by some of the living. */
  readEverything(random: Random, patienceMs: Millis): { invariant: string; detail: string }[] {
    const network = this.#network;
    const reads = [...this.#records.values()].flatMap((address) =>
      sample(network.living.all(), readers, random).map((row) => ({
        address,
        asked: network.operate(row, getOf(address)),
      })),
    );
    network.finish(patienceMs);
    this.#noteOutcomes();
    const expected = new Set(this.ledger.expectations(network.time).map(slotOf));
    return reads.flatMap(({ address, asked }) => {
      this.#note("read-after-calm");
      if (expected.has(slotOf(address))) this.#note("read-of-an-acknowledged-value");
      const ended = asked.ended as StoreEnded | undefined;
      const violation = this.ledger.check(address, ended, network.time);
      if (violation === undefined) return [];
      const { type, slot, expected: wanted, found } = violation;
      const detail = `node ${asked.row} reads ${slot}: ${ended?.outcome ?? "no answer"}, number ${found ?? "none"}; acknowledged was ${wanted}`;
      return [{ invariant: invariants[type], detail }];
    });
  }

  #noteOutcomes(): void {
    for (const { ended, command } of this.#operations) {
      const end = ended as StoreEnded | undefined;
      const capped = end?.isCapped === true && end.operation !== "get" ? "-capped" : "";
      this.#note(end === undefined ? `${command.type}-unended` : `${end.operation}-${end.outcome}${capped}`);
    }
    for (const [name, count] of Object.entries(this.ledger.counters))
      for (let i = 0; i < count; i++) this.#note(`ledger: ${name}`);
  }

  #addressOf({ kind, name, node, value }: StoreOperation & { do: "put" }): RecordAddress {
    if (kind === "immutable") return { kind, key: keyOfName(encoder.encode(value)) };
    if (kind === "shared") return { kind, key: keyOfName(name) };
    const owner: KeyedNode = this.#network.keys.nodes[node]!;
    return { kind, key: keyOfOwned(identityOf(owner.node), name) };
  }
}

function putOf({ kind, name }: StoreOperation, value: Uint8Array): Omit<PutRecord, "request"> {
  return kind === "immutable" ? { type: "put", kind, value } : { type: "put", kind, name, value };
}

function deletionOf({ kind, name }: StoreOperation): Omit<DeleteRecord, "request"> {
  return { type: "delete", kind: kind === "owned" ? "owned" : "shared", name };
}
