/**
 * Which messages a node hands on to its user. A topic is a filter and no mesh of its own: everybody still relays
 * everything, so that few subscribers need no links among each other, and a late one finds all of it in the histories.
 */
import { UsageError } from "../core/index.ts";
import { checkTopic } from "./payload.ts";

/** What one user asks for is bounded like everything else. */
const maxTopics = 1024;

export class Topics {
  /** Undefined, never empty, without a subscription: then every topic is wanted. */
  #wanted: Set<string> | undefined;

  wants(topic: string | undefined): boolean {
    return topic === undefined || this.#wanted === undefined || this.#wanted.has(topic);
  }

  /** Throws `UsageError` if one of them is none, or there are too many; nothing has changed then. */
  subscribe(topics: readonly string[]): void {
    topics.forEach(checkTopic);
    const wanted = new Set([...(this.#wanted ?? []), ...topics]);
    if (wanted.size === 0) return;
    if (wanted.size > maxTopics)
      throw new UsageError(
        `topics: ${wanted.size} are more than ${maxTopics}; without any, all are delivered`,
      );
    this.#wanted = wanted;
  }

  /** Who has unsubscribed from all topics hears all again. */
  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#wanted?.delete(topic);
    if (this.#wanted?.size === 0) this.#wanted = undefined;
  }
}
