/**
 * Hostile input to lookup and store: bytes that are no frames, and frames that are lies. The short form runs with all other
 * tests; `npm run fuzz:lookup` is the long one. FUZZ_RUNS is the number of cases, FUZZ_SEED where they begin; a failure
 * names the seed that repeats it.
 */
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import {
  compareXor,
  type FindNodes,
  identityOf,
  type Key,
  type KeyedNode,
  keyedNode,
  type NodeId,
  type Protocol,
  pick,
  type Random,
  type RecordStatement,
  type Router,
  type StoredRecord,
  seededRandom,
  type Typed,
} from "../src/core/index.ts";
import { Chord, Kademlia, Pastry } from "../src/lookup/index.ts";
import {
  compareRecords,
  deletionLifetimeMs,
  keyOfOwned,
  keyOfShared,
  keyOfValue,
  Store,
  seal,
  slotOf,
} from "../src/storage/index.ts";
import { Codec, FrameReader, MalformedFrame } from "../src/wire/index.ts";
import { type AnyKind, beyondBounds, damaged, FrameMaker, lookupKinds } from "./support/any-frame.ts";
import { type BesiegedConfig, BesiegedNetwork, type Said, signaturesOf } from "./support/besieged-network.ts";

const runs = Number(process.env["FUZZ_RUNS"] ?? 8_000);
const firstSeed = Number(process.env["FUZZ_SEED"] ?? 1);
const timeout = 60_000 + runs * 2;

/** So many cases, rounded up to whole seeds; says which seed it was. */
function fuzz(
  name: string,
  cases: number,
  casesPerSeed: number,
  run: (seed: number, cases: number) => void,
): void {
  for (let seed = firstSeed; (seed - firstSeed) * casesPerSeed < cases; seed++) {
    try {
      run(seed, casesPerSeed);
    } catch (error) {
      const again = `FUZZ_SEED=${seed} FUZZ_RUNS=1 npx vitest run test/lookup-fuzz.test.ts -t "${name}"`;
      throw new Error(`seed ${seed} (${again}): ${(error as Error).message}`, { cause: error });
    }
  }
}

describe("the codec", () => {
  const codec = new Codec();

  const reasonOf = (body: Uint8Array): string => {
    try {
      const message = codec.decode(body);
      const wrong = beyondBounds(message);
      if (wrong !== undefined) throw new Error(`accepted, but ${wrong}`);
      const again = codec.decode(codec.encode(message).subarray(4));
      if (!isDeepStrictEqual(again, message)) throw new Error("comes back as another message");
      return "accepted";
    } catch (error) {
      if (error instanceof MalformedFrame) return error.reason;
      throw error;
    }
  };

  test(
    "takes what is within all bounds, and nothing that is one step beyond one",
    () => {
      const name = "takes what is within all bounds";
      const refused = new Set<string>();
      fuzz(name, runs / 4, 250, (seed, cases) => {
        const random = seededRandom(seed);
        const maker = new FrameMaker(random);
        for (let i = 0; i < cases; i++) {
          const kind = lookupKinds[i % lookupKinds.length]!;
          const within = reasonOf(maker.within(kind));
          if (within !== "accepted") throw new Error(`${kind.schemaName}: ${within}`);
          const beyond = maker.beyond(kind);
          if (beyond === undefined) continue;
          const reason = reasonOf(beyond.body);
          if (reason === "accepted") throw new Error(`${kind.schemaName}: accepted with ${beyond.fault}`);
          refused.add(`${kind.schemaName} ${beyond.fault}`);
        }
      });
      expect(refused.size).toBeGreaterThan(100);
    },
    timeout,
  );

  test(
    "answers damaged frames with MalformedFrame, or with a message that is whole",
    () => {
      const name = "answers damaged frames";
      const reasons = new Map<string, number>();
      fuzz(name, runs / 4, 250, (seed, cases) => {
        const random = seededRandom(seed + 2 ** 32);
        const maker = new FrameMaker(random);
        const any = (): AnyKind => pick(lookupKinds, random);
        for (let i = 0; i < cases; i++) {
          const reason = reasonOf(damaged(maker.within(any()), maker.within(any()), random));
          reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        }
      });
      for (const reason of [
        "accepted",
        "bad-encoding",
        "missing-field",
        "bad-contact",
        "bad-length",
        "bad-choice",
      ])
        expect(reasons.get(reason) ?? 0, reason).toBeGreaterThan(0);
    },
    timeout,
  );

  test(
    "cuts damaged streams into frames or gives them up, and collects no more than has come",
    () => {
      const name = "cuts damaged streams";
      let whole = 0;
      let broken = 0;
      fuzz(name, runs / 20, 50, (seed, cases) => {
        const random = seededRandom(seed + 2 ** 33);
        const maker = new FrameMaker(random);
        for (let i = 0; i < cases; i++) {
          const frames = Array.from({ length: 4 }, () => {
            const body = maker.within(pick(lookupKinds, random));
            const frame = new Uint8Array(4 + body.length);
            new DataView(frame.buffer).setUint32(0, body.length);
            frame.set(body, 4);
            if (random.below(3) === 0) frame[random.below(4)]! ^= 1 << random.below(8);
            return random.below(8) === 0 ? frame.subarray(0, random.below(frame.length + 1)) : frame;
          });
          const stream = frames.flatMap((frame) => [...frame.subarray(0, 2000)]);
          const reader = new FrameReader(codec.maxFrameBytes);
          try {
            for (let at = 0; at < stream.length; ) {
              const end = Math.min(stream.length, at + 1 + random.below(700));
              reader.push(Uint8Array.from(stream.slice(at, end)), (body) => {
                if (reasonOf(body) === "accepted") whole++;
              });
              at = end;
              if (reader.pendingBytes > at) throw new Error("more is pending than has come");
            }
          } catch (error) {
            if (!(error instanceof MalformedFrame)) throw error;
            broken++;
          }
        }
      });
      expect(whole).toBeGreaterThan(0);
      expect(broken).toBeGreaterThan(0);
    },
    timeout,
  );
});

/** Attacks between two looks at everything. */
const attacksPerLook = 10;

interface Siege<P extends Protocol<any, any, any, any>> {
  readonly name: string;
  /** Of all cases, and how many of them belong to one seed. */
  readonly share: number;
  readonly attacksPerSeed?: number;
  readonly config: (seed: number) => BesiegedConfig<P>;
  /** The network is complete: what is remembered of it. */
  readonly calmMs: number;
  /** What holds at any moment. `before`: as it was before the first attack. */
  readonly look: (network: BesiegedNetwork<P>, node: NodeId, before: any) => void;
  /** What a member knows of the others. */
  readonly stateOf: (protocol: P, node: NodeId, network: BesiegedNetwork<P>) => unknown;
  /** When the attackers have been silent for a while: nothing has changed. */
  readonly isAsBefore?: boolean;
  readonly count: (protocol: P) => Record<string, number>;
}

function besiege<P extends Protocol<any, any, any, any>>(siege: Siege<P>): Map<string, number> {
  const counted = new Map<string, number>();
  fuzz(siege.name, runs * siege.share, siege.attacksPerSeed ?? 250, (seed, attacks) => {
    const config = siege.config(seed);
    const network = new BesiegedNetwork(config);
    config.prepare?.(network);
    network.pass(siege.calmMs);
    const { members } = network;
    const stateOf = (node: NodeId) => siege.stateOf(network.protocolOf(node), node, network);
    const before = new Map(members.map((node) => [node, stateOf(node)]));
    const sayAgain = (said: Said) => {
      const once = stateOf(said.to);
      for (let times = 0; times < 2; times++) network.say(said);
      const { type } = said.message.body;
      check(isDeepStrictEqual(stateOf(said.to), once), `"${type}", said again, has changed ${said.to}`);
    };
    for (let i = 1; i <= attacks; i++) {
      network.attack(i % attacksPerLook === 0 ? sayAgain : undefined);
      if (i % attacksPerLook === 0) for (const node of members) siege.look(network, node, before.get(node));
    }
    network.pass(siege.calmMs);
    for (const node of members) {
      siege.look(network, node, before.get(node));
      if (siege.isAsBefore) expect(stateOf(node), `${node} at the end`).toEqual(before.get(node));
      for (const [name, value] of Object.entries(siege.count(network.protocolOf(node))))
        counted.set(name, (counted.get(name) ?? 0) + value);
    }
    for (const [name, value] of Object.entries(network.counters))
      counted.set(name, (counted.get(name) ?? 0) + value);
    counted.set("most sends", Math.max(counted.get("most sends") ?? 0, network.mostSends));
  });
  if (process.env["FUZZ_RUNS"] !== undefined) console.log(siege.name, Object.fromEntries(counted));
  return counted;
}

const namesOf = (contacts: readonly KeyedNode[]) => contacts.map(({ node }) => node);
function check(holds: boolean, claim: string): void {
  if (!holds) throw new Error(claim);
}

describe("Kademlia", () => {
  const options = { k: 4, maxParked: 4, maxUnverified: 3, maxChecks: 2, freshMs: 1000, rejoinMs: 5000 };
  const siege = (liarsIn: number): Omit<Siege<Kademlia>, "name" | "share"> => ({
    calmMs: 120_000,
    config: (seed) => ({
      layer: "kademlia",
      seed,
      members: 12,
      liarsIn,
      farewells: ["leaving"],
      make: ({ self, bootstrap }) => new Kademlia({ self, keyedNode, bootstrap, options }),
    }),
    stateOf: (kademlia) => namesOf(kademlia.contacts()).sort(),
    look: (network, node, before: NodeId[]) => {
      const kademlia = network.protocolOf(node);
      const contacts = new Set(namesOf(kademlia.contacts()));
      for (const contact of contacts)
        check(network.members.includes(contact), `${contact} is in the table of ${node}, and is no member`);
      for (const contact of before)
        check(contacts.has(contact), `${contact} is gone from the table of ${node}`);
      const { table } = kademlia;
      check(table.parkedCount <= options.maxParked * table.bucketCount, `${table.parkedCount} are parked`);
      check(kademlia.questions <= 96, `${kademlia.questions} questions are open`);
      check(network.mostSends <= 64, `${network.mostSends} messages at once`);
    },
    count: ({ counters, questionCounters }) => ({ ...counters, ...questionCounters }),
  });

  test(
    "lets no stranger in who never answers, and keeps whom it has",
    () => {
      const name = "lets no stranger in who never answers";
      const counted = besiege({ ...siege(0), name, share: 1 / 16 });
      for (const counter of ["unasked", "verifications", "unverifiedDropped", "checks"])
        expect(counted.get(counter), counter).toBeGreaterThan(0);
    },
    timeout,
  );

  test(
    "believes liars among its members nothing of others",
    () => {
      const name = "believes liars among its members nothing";
      const counted = besiege({ ...siege(3), name, share: 1 / 16 });
      for (const counter of ["lies", "malformed"]) expect(counted.get(counter), counter).toBeGreaterThan(0);
    },
    timeout,
  );
});

describe("Chord", () => {
  const options = {
    successors: 4,
    stabilizeMs: 2000,
    minStabilizeMs: 200,
    checkPredecessorMs: 1000,
    fixFingersMs: 1000,
    searchMs: 5000,
    maxKnown: 8,
  };
  const siege = ({ liarsIn = 0, hasStrangers = true }): Omit<Siege<Chord>, "name" | "share"> => ({
    calmMs: 60_000,
    config: (seed) => ({
      layer: "chord",
      seed,
      members: 9,
      liarsIn,
      hasStrangers,
      farewells: ["goodbye"],
      make: ({ self, bootstrap }) => new Chord({ self, keyedNode, bootstrap, options }),
    }),
    stateOf: ({ predecessor, successors, fingers }) => ({
      predecessor: predecessor?.node,
      successors: namesOf(successors),
      fingers: namesOf(fingers),
    }),
    look: (network, node, before: { predecessor: NodeId; successors: NodeId[] }) => {
      const chord = network.protocolOf(node);
      check(chord.questions <= 64, `${chord.questions} questions are open`);
      check(network.mostSends <= 64 + 32, `${network.mostSends} messages at once`);
      check(chord.successors.length <= options.successors, `${chord.successors.length} successors`);
      check(chord.fingers.length <= 160, `${chord.fingers.length} fingers`);
      if (liarsIn > 0) return;
      check(isDeepStrictEqual(namesOf(chord.successors), before.successors), `other successors of ${node}`);
      for (const { node: finger } of chord.fingers)
        check(network.members.includes(finger), `${finger} is a finger of ${node}, and no member`);
      // Whoever says itself that it precedes us is believed for a moment, if it is nearer, and then asked.
      const { node: predecessor } = chord.predecessor!;
      const isRight = hasStrangers
        ? network.members.includes(predecessor) || network.spoke.has(predecessor)
        : predecessor === before.predecessor;
      check(isRight, `${predecessor} precedes ${node}`);
    },
    count: ({ counters }) => ({ ...counters }),
  });

  test(
    "keeps its ring, whatever members say out of turn",
    () => {
      const name = "keeps its ring, whatever members say";
      const more = { name, share: 1 / 16, isAsBefore: true };
      const counted = besiege({ ...siege({ hasStrangers: false }), ...more });
      for (const counter of ["unasked", "busy"]) expect(counted.get(counter), counter).toBeGreaterThan(0);
    },
    timeout,
  );

  test(
    "keeps its ring among strangers",
    () => {
      const name = "keeps its ring among strangers";
      const counted = besiege({ ...siege({}), name, share: 1 / 16, isAsBefore: true });
      for (const counter of ["unasked", "busy", "hintsTaken"])
        expect(counted.get(counter), counter).toBeGreaterThan(0);
    },
    timeout,
  );

  test(
    "keeps its bounds with liars in it",
    () => {
      const counted = besiege({
        ...siege({ liarsIn: 3 }),
        name: "keeps its bounds with liars",
        share: 1 / 32,
      });
      expect(counted.get("lies")).toBeGreaterThan(0);
    },
    timeout,
  );
});

describe("Pastry", () => {
  const options = {
    leafSetSize: 8,
    neighborhoodSize: 4,
    maxProbes: 4,
    maxForwards: 8,
    leafIntervalMs: 1000,
    tableIntervalMs: 1000,
    mergeIntervalMs: 5000,
  };
  const siege = ({ liarsIn = 0, hasStrangers = true }): Omit<Siege<Pastry>, "name" | "share"> => ({
    calmMs: 120_000,
    config: (seed) => ({
      layer: "pastry",
      seed,
      members: 12,
      liarsIn,
      hasStrangers,
      favorite: "route",
      farewells: ["leave"],
      make: ({ self, bootstrap }) => new Pastry({ self, keyedNode, bootstrap, options }),
    }),
    stateOf: (pastry) => ({
      leaves: [namesOf(pastry.leaves.above), namesOf(pastry.leaves.below)],
    }),
    look: (network, node, before: { leaves: NodeId[][] }) => {
      const pastry = network.protocolOf(node);
      check(
        pastry.questions <= options.maxForwards + 12 * options.maxProbes,
        `${pastry.questions} questions are open`,
      );
      check(network.mostSends <= 64, `${network.mostSends} messages at once`);
      check(pastry.suspects <= 64, `${pastry.suspects} suspects`);
      for (const { node: contact } of pastry.contacts())
        check(
          network.members.includes(contact) || network.spoke.has(contact),
          `${contact} is in a table of ${node}, and has never spoken`,
        );
      const known = new Set(namesOf(pastry.contacts()));
      if (hasStrangers) return; // they are members, too, until they are asked
      if (network.liars.has(node)) return;
      for (const leaf of before.leaves.flat())
        check(network.liars.has(leaf) || known.has(leaf), `${leaf} is gone from the leaf set of ${node}`);
    },
    count: ({ counters }) => ({ ...counters }),
  });

  test(
    "keeps its leaf sets, whatever members say out of turn",
    () => {
      const name = "keeps its leaf sets, whatever members say";
      const more = { name, share: 1 / 16, isAsBefore: true };
      const counted = besiege({ ...siege({ hasStrangers: false }), ...more });
      for (const counter of ["unasked", "duplicates"])
        expect(counted.get(counter), counter).toBeGreaterThan(0);
    },
    timeout,
  );

  test(
    "keeps its leaf sets among strangers",
    () => {
      const name = "keeps its leaf sets among strangers";
      const counted = besiege({ ...siege({}), name, share: 1 / 16, isAsBefore: true });
      for (const counter of ["unasked", "duplicates", "suspected", "busy"])
        expect(counted.get(counter), counter).toBeGreaterThan(0);
    },
    timeout,
  );

  test(
    "believes liars among its members nothing of others",
    () => {
      const name = "believes liars among its members nothing of others";
      const counted = besiege({ ...siege({ liarsIn: 3, hasStrangers: false }), name, share: 1 / 16 });
      expect(counted.get("lies")).toBeGreaterThan(0);
    },
    timeout,
  );
});

describe("the store", () => {
  const options = {
    replicas: 2,
    maxRecords: 12,
    maxRecordsPerSource: 2,
    maxRecordsPerWriter: 3,
    maxCachedRecords: 3,
    maxPromises: 8,
    maxWaitingForDisk: 4,
    republishIntervalMs: 20_000,
    upkeepIntervalMs: 100,
    maxUpkeepRecords: 4,
  };
  const siege: Omit<Siege<Store>, "name" | "share"> = {
    attacksPerSeed: 1000,
    calmMs: 30_000,
    config: (seed) => ({
      layer: "store",
      seed,
      members: 12,
      record: anyRecord,
      diskMs: 2000,
      below: findsAll,
      favorite: "store",
      make: ({ self, signatures, members }) =>
        new Store({ router: stillRouter(self, members), keyedNode, signatures, options }),
      prepare: (network) => {
        for (const [i, node] of network.members.entries()) {
          const kind = i % 2 === 0 ? "owned" : "shared";
          const value = Uint8Array.of(i);
          const name = `name ${i}`;
          network.command(node, "store", { type: "put", request: i, kind, name, value } as Typed);
          network.pass(3000);
        }
      },
    }),
    stateOf: (store) => new Map([...store.table.entries()].map(({ slot, record }) => [slot, record])),
    look: (network, node, before: Map<string, StoredRecord>) => {
      const store = network.protocolOf(node);
      const { verify } = signaturesOf(node);
      for (const { slot, record, isCached } of store.table.entries()) {
        const { statement, proof } = record;
        check(slotOf(statement) === slot, `${slot} has another's record`);
        check(keyOfRecord(statement) === statement.key, `${slot} has the record of another key`);
        check(
          statement.kind === "immutable" || verify(String(statement.writer), statement, proof),
          `the record in ${slot} is forged`,
        );
        check(statement.writtenAt <= network.now + store.options.maxAheadMs, `${slot} is of the future`);
        const was = before.get(slot);
        if (was === undefined || isCached) continue;
        check(compareRecords(statement, was.statement) >= 0, `${slot} has an older record than before`);
        before.set(slot, record);
      }
      for (const [slot, was] of before) {
        if (store.table.get(slot) !== undefined) continue;
        // Whoever is far from a key hands a record over, and may forget it then.
        const { key } = was.statement;
        const [first] = network.members.map(keyedNode).toSorted((a, b) => compareXor(key, a.key, b.key));
        const there = network.protocolOf(first!.node).table.get(slot);
        const isThere = there !== undefined && compareRecords(there.record.statement, was.statement) >= 0;
        check(first!.node !== node && isThere, `${slot} is gone from ${node}`);
      }
      const perSource = new Map<unknown, number>();
      for (const { source } of store.table.entries())
        if (source !== undefined) perSource.set(source, (perSource.get(source) ?? 0) + 1);
      const most = Math.max(0, ...perSource.values());
      check(most <= options.maxRecordsPerSource, `${most} records of one source`);
      check(store.size <= options.maxRecords, `${store.size} records`);
      check(store.table.cached <= options.maxCachedRecords, `${store.table.cached} copies`);
      check(store.questions <= 512, `${store.questions} questions are open`);
      check(store.operations === 0, `${store.operations} operations`);
      // What waits for the disk is told when that is ready, and upkeep sends no more than a portion.
      check(
        network.mostSends <= options.maxWaitingForDisk + 2 * options.maxUpkeepRecords,
        `${network.mostSends} messages at once`,
      );
    },
    count: ({ counters }) => ({ ...counters.replica, ...counters.table, ...counters.questions }),
  };

  test(
    "keeps what it has, unless its writer has written again",
    () => {
      const name = "keeps what it has, unless";
      const counted = besiege({ ...siege, name, share: 1 / 4 });
      for (const counter of [
        "taken",
        "known",
        "malformed",
        "forged",
        "ahead",
        "expired",
        "superseded",
        "promised",
        "too-far",
        "full",
        "busy",
        "promisesRefused",
        "unasked",
      ])
        expect(counted.get(counter), counter).toBeGreaterThan(0);
    },
    timeout,
  );
});

/** What an attacker has at hand: records of others, changed ones, its own in the places of others, and some that are valid. */
function anyRecord(network: BesiegedNetwork<Store>, random: Random): StoredRecord {
  const writer = pick(random.below(2) === 0 ? network.strangers : network.members, random);
  const protocols = [...network.protocols.values()];
  const held = [...pick(protocols, random).table.entries()].map(({ record }) => record);
  const real = held.length > 0 ? pick(held, random) : undefined;
  const kind = pick(["immutable", "owned", "shared"] as const, random);
  const value =
    random.below(8) === 0 && kind !== "immutable" ? undefined : Uint8Array.of(random.below(256), 1);
  const name = kind === "immutable" ? "" : `name ${random.below(24)}`;
  const isAnonymous = kind === "immutable";
  const own: RecordStatement = {
    type: "record",
    kind,
    key: "",
    name,
    value,
    sequence: isAnonymous ? 0 : 1 + random.below(40),
    writer: isAnonymous ? "" : identityOf(writer),
    writtenAt: network.now - random.below(3_600_000),
    lifetimeMs: 7_200_000 + random.below(3_600_000),
  };
  const written = { ...own, key: keyOfRecord(own) };
  const sealed = (statement: RecordStatement, signer: NodeId = writer) =>
    seal(statement, signaturesOf(signer));
  const stranger = pick(network.strangers, random);
  switch (random.below(12)) {
    case 0: // As it was written, whoever brings it.
    case 1:
      return real ?? sealed(written);
    case 2: // Another value under the same proof.
      return real === undefined
        ? sealed(written)
        : { ...real, statement: { ...real.statement, value: Uint8Array.of(66) } };
    case 3: // A higher number, signed by somebody else.
      return real === undefined
        ? sealed(written, stranger)
        : sealed({ ...real.statement, sequence: real.statement.sequence + 1 }, stranger);
    case 4: // The owner's place, with another's name on it.
      return real === undefined
        ? sealed(written, stranger)
        : sealed({ ...real.statement, sequence: 99, writer: identityOf(stranger) }, stranger);
    case 5:
      return sealed({ ...written, writtenAt: network.now + 300_001 + random.below(1e9) });
    case 6:
      return sealed({ ...written, writtenAt: network.now - written.lifetimeMs - random.below(1e6) });
    case 7: // The key of something else.
      return sealed({ ...written, key: real?.statement.key ?? keyOfShared("another") });
    case 8:
      return { statement: written, proof: Uint8Array.of(1, 2, 3) };
    case 9: // For the longest time that there is, and longer than a value may live.
      return sealed({ ...written, lifetimeMs: deletionLifetimeMs });
    case 10: // The writer's own hand, if it is a stranger's: members do not write against themselves.
      return sealed(written, kind === "shared" ? stranger : writer);
    default:
      return sealed(written);
  }
}

function keyOfRecord({ kind, name, value, writer }: RecordStatement): Key {
  if (kind === "owned") return keyOfOwned(writer, name);
  return kind === "shared" ? keyOfShared(name) : keyOfValue(value!);
}

/** A layer that finds what is looked for at once. */
function findsAll(members: readonly NodeId[]): Protocol<any, any, any, any> {
  const onNotice = (notice: Typed, env: { notify(notice: unknown): void }) => {
    if (notice.type !== "find-nodes") return;
    const { request, asker, key, count = 1 } = notice as FindNodes;
    const closest = members.map(keyedNode).toSorted((a, b) => compareXor(key, a.key, b.key));
    const report = {
      key,
      outcome: "found",
      closest: closest.slice(0, count),
      path: [],
      records: [],
      without: [],
    };
    env.notify({ type: "lookup-ended", request, asker, report });
  };
  return { start() {}, onCommand() {}, onMessage() {}, onTimer() {}, onNotice };
}

/** It knows all members, and nobody else, whatever happens. */
function stillRouter(self: KeyedNode, members: readonly NodeId[]): Router {
  const nodes = members.map(keyedNode);
  return {
    self,
    hasJoined: true,
    size: nodes.length - 1,
    compare: compareXor,
    replicas: (key, count) => nodes.toSorted((a, b) => compareXor(key, a.key, b.key)).slice(0, count),
    contacts: () => nodes.filter(({ key }) => key !== self.key),
  };
}
