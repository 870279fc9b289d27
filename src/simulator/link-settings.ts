/** How messages travel, as data: what a scenario says of its links. */

export type Latency =
  | { readonly model: "constant"; readonly ms: number }
  | { readonly model: "uniform"; readonly fromMs: number; readonly toMs: number }
  /** Half of all messages take less than `medianMs`; `sigma` is the standard deviation of the logarithm. */
  | { readonly model: "log-normal"; readonly medianMs: number; readonly sigma: number }
  /** Few messages take very long: P(X > x) = (minMs / x)^shape, cut at `maxMs`. */
  | { readonly model: "pareto"; readonly minMs: number; readonly shape: number; readonly maxMs: number }
  /** From zone to zone; a node is in zone (row mod number of zones) unless it is put elsewhere. */
  | { readonly model: "zones"; readonly matrixMs: readonly (readonly number[])[]; readonly jitterMs?: number }
  /** Nodes lie on a square; crossing its side takes `sideMs`. */
  | {
      readonly model: "plane";
      readonly sideMs: number;
      readonly baseMs?: number;
      readonly jitterMs?: number;
    }
  /** Subnets behind routers; a message takes the shortest way, and each link counts what it carries. */
  | {
      readonly model: "routed";
      readonly routers: number;
      readonly links: readonly (readonly [from: number, to: number, ms: number])[];
      /** The router of each subnet; a node is in subnet (row mod number of subnets) unless it is put elsewhere. */
      readonly subnets: readonly number[];
      /** From a node to its router. */
      readonly localMs?: number;
      readonly jitterMs?: number;
    };

export interface LinkSettings {
  /**
   * `datagram`: each message for itself; it may be lost, doubled or overtaken. `stream`: as over TCP, messages
   * between two nodes arrive in order; loss means delay, a cut holds them back and in the end resets the stream.
   */
  readonly kind: "datagram" | "stream";
  readonly latency: Latency;
  /** Share of messages that get lost (stream: that have to be sent again). */
  readonly loss: number;
  /** Share of datagrams that arrive twice. */
  readonly duplication: number;
  /** Share of datagrams that take `reorderMs` longer than their latency, so that later ones overtake them. */
  readonly reordering: number;
  readonly reorderMs: number;
  /** 0 is without limit. */
  readonly uploadBytesPerSecond: number;
  readonly downloadBytesPerSecond: number;
  /** A message that would wait longer than this for its turn is dropped. */
  readonly maxQueueMs: number;
  /** Stream: after a loss a message is sent again so much later, then twice as much, … */
  readonly retransmitMs: number;
  /** Stream: what was held back for so long is dropped, and both ends learn that the link is lost. */
  readonly resetAfterMs: number;
}
