import type { GrapevineNode, NoticeListener } from "./node.ts";

export interface NoticeTapConfig {
  /** The nodes of this process; asked now and then. */
  readonly nodes: () => Iterable<GrapevineNode>;
  readonly onNotice: NoticeListener;
  /** Called for each node before its first notice is heard: what it said before is lost. */
  readonly onNode?: (node: GrapevineNode) => void;
}

/** New nodes of the process are noticed so quickly. */
const watchIntervalMs = 250;

/** Hears the nodes of a process from when it is opened, and those that come later. */
export class NoticeTap {
  readonly #config: NoticeTapConfig;
  readonly #subscriptions = new Map<GrapevineNode, () => void>();
  #watcher: NodeJS.Timeout | undefined;

  constructor(config: NoticeTapConfig) {
    this.#config = config;
  }

  /** Looks for new nodes at once where it is open already. */
  open(): void {
    this.#watcher ??= setInterval(() => this.#watch(), watchIntervalMs).unref();
    this.#watch();
  }

  close(): void {
    clearInterval(this.#watcher);
    this.#watcher = undefined;
    for (const unsubscribe of this.#subscriptions.values()) unsubscribe();
    this.#subscriptions.clear();
  }

  #watch(): void {
    const { nodes, onNotice, onNode } = this.#config;
    const present = new Set(nodes());
    for (const [node, unsubscribe] of this.#subscriptions) {
      if (present.has(node)) continue;
      unsubscribe();
      this.#subscriptions.delete(node);
    }
    for (const node of present) {
      if (this.#subscriptions.has(node)) continue;
      onNode?.(node);
      this.#subscriptions.set(node, node.onNotice(onNotice));
    }
  }
}
