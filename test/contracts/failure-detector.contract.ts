/** What every failure detector must do, whoever asks whom: a small network in virtual time, seen from outside. */
import { describe, expect, test } from "vitest";
import type { Evidence, FailureDetector, Millis, Protocol, Typed } from "../../src/core/index.ts";
import { Simulation } from "../../src/simulator/index.ts";

export interface DetectorPlace {
  readonly self: number;
  readonly others: readonly number[];
  readonly incarnation: number;
  readonly quorum: number;
  /** Of the life that a node is in; undefined while it is dead. */
  readonly incarnationOf: (node: unknown) => number | undefined;
}

export interface DetectorUnderTest {
  /** One node of a network in which everybody watches everybody. */
  make(place: DetectorPlace): {
    readonly stack: Protocol<any, any, any, any>;
    readonly detector: FailureDetector;
  };
  /** Until all know all. */
  readonly settleMs: Millis;
  /** From a crash until everybody has given the dead up. */
  readonly boundMs: Millis;
}

const nodes = 6;
const all = Array.from({ length: nodes }, (_, node) => node);

interface Verdict extends Typed {
  readonly peer?: number;
  readonly neighbor?: number;
}

class Network {
  readonly simulation: Simulation;
  readonly detectors: FailureDetector[] = [];
  readonly notices: { readonly at: Millis; readonly by: number; readonly notice: Verdict }[] = [];
  readonly #subject: DetectorUnderTest;
  readonly #quorum: number;
  readonly #incarnations: (number | undefined)[] = [];

  constructor(subject: DetectorUnderTest, quorum = 1, loss = 0) {
    this.#subject = subject;
    this.#quorum = quorum;
    this.simulation = new Simulation({
      seed: 1,
      rows: nodes,
      links: { loss, latency: { model: "uniform", fromMs: 1, toMs: 10 } },
      onNotice: (row, { layer, body }, at) => {
        this.notices.push({ at, by: row, notice: body });
        if (body.type === "persist" && body.isAwaited)
          this.simulation.command(row, { layer, body: { type: "persisted", key: body.key } }, 1);
      },
    });
    for (const node of all) this.begin(node);
    this.pass(subject.settleMs);
  }

  begin(node: number): void {
    const incarnation = this.simulation.time + 1;
    this.#incarnations[node] = incarnation;
    const { stack, detector } = this.#subject.make({
      self: node,
      others: all.filter((other) => other !== node),
      incarnation,
      quorum: this.#quorum,
      incarnationOf: (other) => this.#incarnations[other as number],
    });
    this.detectors[node] = detector;
    this.simulation.host(node, stack);
  }
  crash(node: number): void {
    this.simulation.crash(node);
    this.#incarnations[node] = undefined;
  }
  pass(time: Millis): this {
    this.simulation.run(this.simulation.time + time);
    return this;
  }

  others(node: number): number[] {
    return all.filter((other) => other !== node && this.simulation.isAlive(other));
  }
  /** What each of the others thinks of it. */
  opinionsOf(node: number): string[] {
    return this.others(node).map((other) => this.detectors[other]!.stateOf(node));
  }
  /** Who was given up by whom. */
  verdicts(): { readonly by: number; readonly node: number }[] {
    const final = this.notices.filter(
      ({ notice: { type } }) => type === "member-failed" || type === "neighbor-failed",
    );
    return final.map(({ by, notice: { peer, neighbor } }) => ({ by, node: (peer ?? neighbor)! }));
  }
}

function inOrder(evidence: readonly Evidence[]): boolean {
  return evidence.every(({ at }, i) => i === 0 || at >= evidence[i - 1]!.at);
}

export function describeFailureDetector(name: string, subject: DetectorUnderTest): void {
  const { boundMs, settleMs } = subject;
  const alive = new Array(nodes - 1).fill("alive");

  describe(`${name} as a failure detector`, () => {
    test("takes those for alive who are there, and knows nothing of others", () => {
      const network = new Network(subject);
      for (const node of all) expect(network.opinionsOf(node)).toEqual(alive);
      expect(network.detectors[0]!.stateOf(99)).toBe("unknown");
      expect(network.detectors[0]!.why(99)).toEqual([]);
    });

    test("complete: everybody gives the dead up within the bound, and nobody else", () => {
      const network = new Network(subject);
      network.crash(3);
      network.pass(boundMs);
      const verdicts = network.verdicts();
      expect(verdicts.every(({ node }) => node === 3)).toBe(true);
      expect(new Set(verdicts.map(({ by }) => by))).toEqual(new Set([0, 1, 2, 4, 5]));
      for (const opinion of network.opinionsOf(3)) expect(opinion).toMatch(/^failed$|^unknown$/);
    });

    test("complete: also when two of them die together", () => {
      const network = new Network(subject);
      network.crash(1);
      network.crash(4);
      network.pass(2 * boundMs);
      for (const dead of [1, 4])
        expect(new Set(network.verdicts().flatMap(({ by, node }) => (node === dead ? [by] : [])))).toEqual(
          new Set([0, 2, 3, 5]),
        );
      expect(network.verdicts().every(({ node }) => node === 1 || node === 4)).toBe(true);
    });

    test("complete: though a tenth of all messages is lost", () => {
      const network = new Network(subject, 1, 0.1);
      network.crash(3);
      network.pass(3 * boundMs);
      for (const opinion of network.opinionsOf(3)) expect(opinion).toMatch(/^failed$|^unknown$/);
    });

    test("accurate: where messages arrive nobody is ever doubted", () => {
      const network = new Network(subject).pass(600_000);
      const doubts = network.notices.filter(({ notice: { type } }) => /suspected|failed/.test(type));
      expect(doubts).toEqual([]);
      expect(network.simulation.counters.messages).toBeGreaterThan(nodes * 100);
      expect(
        all.flatMap((node) => network.others(node).flatMap((other) => network.detectors[other]!.why(node))),
      ).toEqual([]);
    });

    test("whoever was paused blames nobody, and is taken back by those who gave it up", () => {
      const network = new Network(subject);
      network.simulation.pause(2);
      network.pass(boundMs);
      expect(network.verdicts().every(({ node }) => node === 2)).toBe(true);
      expect(new Set(network.verdicts().map(({ by }) => by))).toEqual(new Set(network.others(2)));
      network.simulation.resume(2);
      network.pass(boundMs + settleMs);
      expect(network.verdicts().filter(({ by }) => by === 2)).toEqual([]);
      for (const node of all) expect(network.opinionsOf(node)).toEqual(alive);
    });

    test("why tells the chain: a doubt, then the verdict, by whom and about which life", () => {
      const network = new Network(subject);
      network.crash(3);
      network.pass(boundMs);
      for (const other of network.others(3)) {
        const chain = network.detectors[other]!.why(3);
        expect(inOrder(chain)).toBe(true);
        const verdict = chain.findIndex(({ kind }) => kind === "failed");
        expect(verdict).toBeGreaterThan(0);
        expect(["missed", "suspected"]).toContain(chain[0]!.kind);
        expect(chain[verdict]).toMatchObject({ by: other, incarnation: 1 });
        expect(chain[verdict]!.detail).not.toBe("");
        expect(chain.every(({ at }) => at > settleMs)).toBe(true);
        expect(network.detectors[other]!.why(0)).toEqual([]);
      }
    });

    test("whoever comes back with a new life is alive, and the chain says so", () => {
      const network = new Network(subject);
      network.crash(3);
      network.pass(boundMs);
      network.begin(3);
      network.pass(boundMs + settleMs);
      for (const node of all) expect(network.opinionsOf(node)).toEqual(alive);
      const before = network.verdicts().length;
      network.pass(boundMs);
      expect(network.verdicts()).toHaveLength(before);
      network.crash(3);
      network.pass(boundMs);
      expect(
        new Set(
          network
            .verdicts()
            .slice(before)
            .map(({ by }) => by),
        ),
      ).toEqual(new Set([0, 1, 2, 4, 5]));
    });

    test("the chain is bounded, however often somebody comes and goes", () => {
      const network = new Network(subject);
      for (let cycle = 0; cycle < 16; cycle++) {
        network.simulation.pause(3);
        network.pass(boundMs);
        network.simulation.resume(3);
        network.pass(settleMs);
      }
      const lengths = network.others(3).map((other) => network.detectors[other]!.why(3).length);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(32);
      expect(Math.min(...lengths)).toBeGreaterThan(8);
    });

    test("with a quorum of three the dead are given up, and the verdict rests on two others", () => {
      const network = new Network(subject, 3);
      network.crash(3);
      network.pass(3 * boundMs);
      expect(new Set(network.verdicts().map(({ by }) => by))).toEqual(new Set([0, 1, 2, 4, 5]));
      for (const other of network.others(3)) {
        const chain = network.detectors[other]!.why(3);
        const until = chain.slice(0, chain.findIndex(({ kind }) => kind === "failed") + 1);
        const accusers = new Set(until.flatMap(({ by, through }) => [by, ...through]));
        expect(accusers.size).toBeGreaterThanOrEqual(3);
      }
    });

    test("with a quorum of two a bad path alone makes nobody give up the living", () => {
      const network = new Network(subject, 2);
      network.simulation.links.connectivity.cut(3, 0);
      network.simulation.links.connectivity.cut(0, 3);
      network.pass(4 * boundMs);
      expect(network.verdicts()).toEqual([]);
    });
  });
}
