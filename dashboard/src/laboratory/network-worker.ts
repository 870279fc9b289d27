/** The worker that simulates a network for the page: it hands messages on, and no more. */
import { breathe } from "./breathe.ts";
import { NetworkRun, textOf } from "./network-run.ts";
import type { FromWorker, ToWorker } from "./run-messages.ts";

/** The page's types are those of windows; a worker has these. */
const page = globalThis as unknown as {
  postMessage: (message: FromWorker) => void;
  onmessage: (event: MessageEvent<ToWorker>) => void;
};
const tell = (message: FromWorker) => page.postMessage(message);

let run: NetworkRun | undefined;

page.onmessage = ({ data }) => {
  switch (data.type) {
    case "start":
      try {
        run = new NetworkRun(data.config, { tell, breathe });
        run.start().catch((error) => tell({ type: "failed", why: textOf(error) }));
      } catch (error) {
        tell({ type: "failed", why: textOf(error) });
      }
      return;
    case "speed":
      return run?.setSpeed(data.speed);
    case "run-to":
      return run?.runTo(data.at);
    case "taken":
      return run?.taken();
    case "act":
      return answer(data.request, run?.act(data.action));
    case "details":
      return answer(data.request, run?.details(data.node));
    case "why":
      return answer(data.request, run?.why(data.observer, data.member));
    case "journal":
      return answer(data.request, run?.journal);
  }
};

function answer(request: number, value: unknown): void {
  Promise.resolve(value).then(
    (known) => tell({ type: "answer", request, value: known }),
    (error) => tell({ type: "refused", request, why: textOf(error) }),
  );
}
