/**
 * HyParView: a small active view of neighbors, which is symmetric and watched, and a passive view of peers that can
 * take their places (Leitao, Pereira, Rodrigues 2007).
 */
import type {
  Candidate,
  Environment,
  Identity,
  LinkQuality,
  Members,
  NeighborView,
  NodeId,
  Protocol,
  Random,
  StackNotice,
  Standing,
  Typed,
} from "../core/index.ts";
import type { HyParViewMessage } from "./hyparview-messages.ts";
import { type HyParViewOptions, hyParViewOptions } from "./hyparview-options.ts";

export interface HyParViewConfig {
  /** Who else is there, for the first contact, and instead of the passive view while it has everybody. */
  readonly sampler: Members;
  /** Does the sampler know everybody? Then nothing has to be shuffled. */
  readonly isFullView: () => boolean;
  readonly standing: Standing;
  /** Late-bound: round trips, for X-BOT. */
  readonly quality: () => LinkQuality | undefined;
  readonly options?: Partial<HyParViewOptions>;
}

export type HyParViewTimer = { readonly type: "promote" };

export type HyParViewCommand =
  /** The connection to a neighbor broke. */
  | { readonly type: "link-lost"; readonly neighbor: NodeId }
  /** Nobody answers at that address. */
  | { readonly type: "unreachable"; readonly node: NodeId };

export type HyParViewNotice = StackNotice;

type HyParViewEnvironment = Environment<HyParViewMessage, HyParViewTimer, HyParViewNotice>;

/** As `Members` it is all that a node knows where nobody has a full list: both views. */
export class HyParView
  implements Protocol<HyParViewMessage, HyParViewTimer, HyParViewNotice, HyParViewCommand>, NeighborView, Members
{
  readonly counters = { joins: 0, promotions: 0, refused: 0, evicted: 0, shuffles: 0, swaps: 0, silent: 0, unasked: 0 };
  readonly options: HyParViewOptions;

  constructor(config: HyParViewConfig) {
    this.options = hyParViewOptions(config.options);
  }

  get neighbors(): readonly NodeId[] {
    return [];
  }
  has(_node: NodeId): boolean {
    return false;
  }
  get wantedDegree(): number {
    return this.options.activeView;
  }
  get passive(): readonly Candidate[] {
    return [];
  }
  get size(): number {
    return 0;
  }
  get candidates(): readonly Candidate[] {
    return [];
  }
  get(_identity: Identity): Candidate | undefined {
    return undefined;
  }
  sample(_count: number, _random: Random, _accept?: (candidate: Candidate) => boolean): Candidate[] {
    return [];
  }

  start(_env: HyParViewEnvironment): void {}
  onHeard(_from: NodeId): void {}
  onNotice(_notice: Typed, _env: HyParViewEnvironment): void {}
  onCommand(_command: HyParViewCommand, _env: HyParViewEnvironment): void {}
  onMessage(_from: NodeId, _message: HyParViewMessage, _env: HyParViewEnvironment): void {}
  onTimer(_timer: HyParViewTimer, _env: HyParViewEnvironment): void {}
}
