/**
 * Floods in which not everybody speaks: GOSSIP1(p, k), GOSSIP2(p1, k, p2, n) and GOSSIP3(p, k, m) of Haas, Halpern and
 * Li ("Gossip-based ad hoc routing", INFOCOM 2002; arXiv cs/0209011). A transmission is a radio broadcast: it reaches
 * all neighbors and counts once.
 *
 *     GOSSIP1  source ─ 0 ─► everybody near; on first receipt at hop h: h < k ─ h ─► everybody near
 *                                                                       else with probability p, or never
 *     GOSSIP2  … else with probability p2, not p1, if whoever sent it has fewer than n neighbors
 *     GOSSIP3  … or never, unless fewer than m further copies are heard within a timeout: then after all
 *
 * They are one rule with three settings: GOSSIP1 is the whole of it with n = 0 and m = 0, and GOSSIP1(1, k) is the
 * flood. One message per object; one object serves all rows (core/columns.ts), and what it knows of a node is one byte
 * for its state, two for its hops and, for GOSSIP3, one for the copies that it has heard.
 */
import {
  type ColumnProtocol,
  defineOptions,
  degreeOf,
  type Environment,
  type Graph,
  type NodeId,
  UsageError,
} from "../core/index.ts";

export interface ProbabilisticFloodOptions {
  /** p, or p1. */
  readonly probability: number;
  /** k. */
  readonly sureHops: number;
  /** p2 of GOSSIP2. */
  readonly sparseProbability: number;
  /** n of GOSSIP2; 0 switches the rule off. */
  readonly sparseNeighbors: number;
  /** m of GOSSIP3; 0 switches the rule off. */
  readonly minCopies: number;
  readonly timeoutMs: number;
  readonly isQuiet: boolean;
}

const share = { min: 0, max: 1, isFraction: true };

const checkedOptions = defineOptions<ProbabilisticFloodOptions>({
  probability: {
    ...share,
    default: 0.75,
    description:
      "Share of nodes that forward (0.75: with 4 sure hops nearly all nodes get nearly all messages; Haas, Halpern and Li 2002 find 0.6 to 0.8)",
  },
  sureHops: {
    default: 4,
    min: 0,
    max: 65_535,
    description:
      "Everybody forwards in so many hops, so that a message does not die at its source (4: Haas, Halpern and Li 2002)",
  },
  sparseProbability: {
    ...share,
    default: 1,
    description: "Instead of probability, for a message from a node with few neighbors (1: as GOSSIP2 there)",
  },
  sparseNeighbors: {
    default: 0,
    min: 0,
    max: 65_535,
    description: "Fewer neighbors than this are few; 0: nobody has few",
  },
  minCopies: {
    default: 0,
    min: 0,
    max: 255,
    description:
      "Who was not to forward does so all the same after timeoutMs if it has heard fewer further copies than this; 0: never",
  },
  timeoutMs: {
    default: 100,
    min: 1,
    max: 3_600_000,
    description: "Longer than two hops take, or copies that are on their way are not waited for (guess)",
  },
  isQuiet: {
    default: false,
    description: "Notify nobody: read the columns afterwards. For very many nodes",
  },
});

/** Fills in the defaults. Throws `UsageError` naming the option, the value and the rule. */
export const probabilisticFloodOptions = Object.assign(
  (overrides: Partial<ProbabilisticFloodOptions> = {}): Readonly<ProbabilisticFloodOptions> => {
    const options = checkedOptions(overrides);
    const { probability, sparseProbability, sparseNeighbors } = options;
    if (sparseNeighbors > 0 && sparseProbability < probability)
      throw new UsageError(
        `sparseProbability: ${sparseProbability} is less than probability, ${probability}; it is there to help where nodes are few`,
      );
    return options;
  },
  { specs: checkedOptions.specs },
);

/** Examples; p, k, n and m of gossip2 and gossip3 are recalled from the paper, and what they save here is measured. */
export const probabilisticFloodPresets = {
  flood: { probability: 1 },
  gossip1: { probability: 0.75, sureHops: 4 },
  gossip2: { probability: 0.6, sureHops: 4, sparseProbability: 1, sparseNeighbors: 6 },
  gossip3: { probability: 0.65, sureHops: 4, minCopies: 1 },
} as const satisfies Record<string, Partial<ProbabilisticFloodOptions>>;

/** What a node is towards the message: the values of the column `state`. All but 0 know it. */
export const probabilisticFloodStates = { unheard: 0, forwarded: 1, silent: 2 } as const;
const { unheard, forwarded, silent } = probabilisticFloodStates;

/** Hops are kept in 16 bits. Whoever hears it from farther away forwards nothing. */
const maxHops = 65_534;

export type ProbabilisticFloodCommand = { readonly type: "originate" };
/** At the first receipt, and at the source with 0 hops. */
export type ProbabilisticFloodNotice = { readonly type: "heard"; readonly hops: number };
export type ProbabilisticFloodEnvironment = Environment<number, number, ProbabilisticFloodNotice>;

export interface ProbabilisticFloodConfig {
  /** Who hears whom. Its nodes are the rows. */
  readonly graph: Graph;
  readonly options?: Partial<ProbabilisticFloodOptions>;
}

export class ProbabilisticFlood
  implements ColumnProtocol<ProbabilisticFloodNotice, ProbabilisticFloodCommand>
{
  readonly rows: number;
  readonly graph: Graph;
  readonly options: ProbabilisticFloodOptions;
  /** One of `probabilisticFloodStates` for each row. Whoever is `forwarded` has transmitted once, nobody else ever. */
  readonly state: Uint8Array;
  /** Of the first copy that each row heard; means something where the state is not `unheard`. */
  readonly hops: Uint16Array;
  /** Further copies that each row has heard, up to 255; empty when nobody counts. */
  readonly #copies: Uint8Array;
  #heard = 0;
  #transmissions = 0;
  #nonsense = 0;

  constructor({ graph, options }: ProbabilisticFloodConfig) {
    this.graph = graph;
    this.rows = graph.nodes;
    this.options = probabilisticFloodOptions(options);
    this.state = new Uint8Array(this.rows);
    this.hops = new Uint16Array(this.rows);
    this.#copies = new Uint8Array(this.options.minCopies > 0 ? this.rows : 0);
  }

  /** Rows that have heard the message, sources among them. */
  get heard(): number {
    return this.#heard;
  }
  /** Radio broadcasts, however many heard each. */
  get transmissions(): number {
    return this.#transmissions;
  }
  /** Messages that were none of ours. */
  get nonsense(): number {
    return this.#nonsense;
  }

  start(_env: ProbabilisticFloodEnvironment): void {}

  onCommand(command: ProbabilisticFloodCommand, env: ProbabilisticFloodEnvironment): void {
    switch (command.type) {
      case "originate":
        if (this.state[env.row] !== unheard) return;
        this.#hear(0, env);
        // The source sends also with k = 0: nobody could hear of it otherwise.
        return this.#transmit(0, env);
    }
  }

  onMessage(_from: NodeId, message: number, env: ProbabilisticFloodEnvironment): void {
    const { row } = env;
    if (!(message >= 0 && message >>> 1 <= maxHops)) {
      this.#nonsense++;
      return;
    }
    if (this.state[row] !== unheard) {
      if (this.#copies.length > 0 && this.#copies[row]! < 255) this.#copies[row]!++;
      return;
    }
    const hops = (message >>> 1) + 1;
    this.#hear(hops, env);
    if (hops > maxHops) return;
    if (this.#isToForward(hops, (message & 1) === 1, env)) this.#transmit(hops, env);
    else if (this.options.minCopies > 0) env.schedule(this.options.timeoutMs, hops);
  }

  /** GOSSIP3: the time to hear further copies is over. */
  onTimer(hops: number, env: ProbabilisticFloodEnvironment): void {
    if (this.#copies[env.row]! < this.options.minCopies) this.#transmit(hops, env);
  }

  #isToForward(hops: number, isFromSparse: boolean, env: ProbabilisticFloodEnvironment): boolean {
    const { probability, sureHops, sparseProbability } = this.options;
    if (hops < sureHops) return true;
    return env.random.unit() < (isFromSparse ? sparseProbability : probability);
  }

  #hear(hops: number, env: ProbabilisticFloodEnvironment): void {
    this.state[env.row] = silent;
    this.hops[env.row] = hops;
    this.#heard++;
    if (!this.options.isQuiet) env.notify({ type: "heard", hops });
  }

  /** What travels is 2 * hops of the sender, plus 1 if it has few neighbors. */
  #transmit(hops: number, env: ProbabilisticFloodEnvironment): void {
    const { row } = env;
    const { offsets, neighbors } = this.graph;
    this.state[row] = forwarded;
    this.#transmissions++;
    const isSparse = degreeOf(this.graph, row) < this.options.sparseNeighbors;
    const message = 2 * hops + (isSparse ? 1 : 0);
    const end = offsets[row + 1]!;
    for (let i = offsets[row]!; i < end; i++) env.send(neighbors[i]!, message);
  }
}
