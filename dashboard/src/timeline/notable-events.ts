/** The events that somebody looks for in a run: marks of its time bar. Bounded: of too many every second one goes. */
import type { Millis, TraceEvent } from "../../../src/core/index.ts";

export type NotableKind = "published" | "death" | "disturbance" | "join";

export interface NotableEvent {
  readonly at: Millis;
  readonly kind: NotableKind;
  readonly event: TraceEvent;
}

const maxOfKind = 2000;

export class NotableEvents {
  readonly #byKind: Record<NotableKind, NotableEvent[]> = {
    published: [],
    death: [],
    disturbance: [],
    join: [],
  };

  of(kind: NotableKind): readonly NotableEvent[] {
    return this.#byKind[kind];
  }

  apply(event: TraceEvent): void {
    const kind = kindOf(event);
    if (kind === undefined) return;
    this.#byKind[kind].push({ at: event.at, kind, event });
    if (this.#byKind[kind].length > maxOfKind)
      this.#byKind[kind] = this.#byKind[kind].filter((_, i) => i % 2 === 0);
  }
}

function kindOf({ layer, type, ...fields }: TraceEvent): NotableKind | undefined {
  switch (type) {
    case "published":
      return "published";
    case "crashed":
    case "paused":
      return "death";
    case "stopped":
      return fields["reason"] === "killed" ? "death" : undefined;
    case "partitioned":
    case "cut":
    case "healed":
    case "links-changed":
      return "disturbance";
    case "joined":
    case "restarted":
      return layer === "scenario" ? "join" : undefined;
    case "listening":
      return "join";
  }
  return undefined;
}
