import type { Source, SourceListener } from "./source.ts";

/** No network at all: what the page shows before one was chosen. */
export class EmptySource implements Source {
  readonly kind = "recorded";
  readonly label = "nothing";
  start(listener: SourceListener): void {
    listener.onState({ type: "ended", why: "no network was chosen" });
  }
  close(): void {}
  async act(): Promise<void> {
    throw new Error("there is no network");
  }
  async why(): Promise<undefined> {
    return undefined;
  }

  async details(): Promise<undefined> {
    return undefined;
  }
}
