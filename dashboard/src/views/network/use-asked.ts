/** What somebody was asked who may answer, may not be there, or may refuse. */
import { useEffect, useState } from "react";
import type { Source } from "../../sources/source.ts";

export type Answer<T> =
  | { readonly type: "asking" }
  | { readonly type: "known"; readonly value: T }
  | { readonly type: "unknown"; readonly why: string };

const refreshMs = 2000;

/** Asks, and again as long as it is shown. Another `question` is another answer; `state` of who is asked asks anew. */
export function useAsked<T>(
  source: Source,
  question: string,
  state: string,
  ask: () => Promise<T | undefined>,
): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T> & { readonly question?: string }>({ type: "asking" });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the question says what is asked, and who comes back is asked anew.
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const askAgain = async () => {
      let next: Answer<T>;
      try {
        const value = await ask();
        next = value === undefined ? { type: "unknown", why: whyNot(source) } : { type: "known", value };
      } catch (error) {
        next = { type: "unknown", why: error instanceof Error ? error.message : String(error) };
      }
      if (isOver) return;
      setAnswer({ ...next, question });
      if (source.kind !== "recorded") timer = setTimeout(askAgain, refreshMs);
    };
    void askAgain();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [source, question, state]);
  // Never what somebody else has answered.
  return answer.question === question ? answer : { type: "asking" };
}

function whyNot({ kind }: Source): string {
  return kind === "recorded"
    ? "A recorded run cannot be asked: the trace does not tell."
    : "The network does not answer for this node: it is no longer there, or in another process.";
}
