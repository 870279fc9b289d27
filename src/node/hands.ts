/** What somebody who watches a network may do to it from outside: the actions of a scenario, one at a time. */
import type { TraceEvent } from "../core/index.ts";
import type { Action } from "../scenario/scenario.ts";
import { isLoopback } from "./request-guard.ts";

export interface Hands {
  /** What this process can do, by the names of the actions. */
  readonly actions: readonly Action["do"][];
  /** Throws `UsageError` where there is no such node, or it cannot be done to it now. */
  perform(action: Action): Promise<Outcome>;
  /** Hears what is done to the network, as events of layer `scenario`. Call the result to stop. */
  onEvent(listener: (event: TraceEvent) => void): () => void;
}

export interface Outcome {
  /** Names of those to whom it was done; empty where it is done to the network. */
  readonly nodes: readonly string[];
  /** What ends this process: to be called when whoever asked has the answer. */
  readonly afterwards?: () => unknown;
}

export interface MayBeDone {
  readonly hands: readonly string[];
  readonly readOnly?: string;
}

/** What the API lets anybody do who may ask it at all; where that is nothing, why. */
export function whatMayBeDone(config: {
  readonly host?: string;
  readonly isWritable?: boolean;
  readonly hands?: Hands;
}): MayBeDone {
  const { host = "127.0.0.1", isWritable = false, hands } = config;
  if (isLoopback(host) || isWritable) return { hands: hands?.actions ?? [] };
  return {
    hands: [],
    readOnly: `this control API listens on ${host}, beyond loopback, and is read-only; start the process with --api-writable to let others change things`,
  };
}
