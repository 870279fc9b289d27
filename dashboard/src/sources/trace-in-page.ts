import type { TraceInput } from "./recorded-source.ts";

/** The trace that was put into the page when it was made a file of its own; undefined where there is none. */
export function traceInPage(): TraceInput | undefined {
  const element = document.getElementById("trace");
  if (element === null) return undefined;
  return {
    label: element.dataset["name"] ?? "this page",
    async open() {
      const text = atob(element.textContent);
      const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
      return { stream: new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")) };
    },
  };
}
