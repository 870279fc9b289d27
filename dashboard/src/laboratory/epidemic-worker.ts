/** The worker that plays epidemics for the page: it hands messages on, and no more. */
import { breathe } from "./breathe.ts";
import { EpidemicPlayer, type FromEpidemic, type ToEpidemic } from "./epidemic-player.ts";
import { textOf } from "./network-run.ts";

/** The page's types are those of windows; a worker has these. */
const page = globalThis as unknown as {
  postMessage: (message: FromEpidemic, transfer?: Transferable[]) => void;
  onmessage: (event: MessageEvent<ToEpidemic>) => void;
};

let player: EpidemicPlayer | undefined;

page.onmessage = ({ data }) => {
  switch (data.type) {
    case "start":
      try {
        player = new EpidemicPlayer(data.config, {
          tell: (message, transfer) => page.postMessage(message, transfer),
          breathe,
        });
        player.play().catch((error) => page.postMessage({ type: "failed", why: textOf(error) }));
      } catch (error) {
        page.postMessage({ type: "failed", why: textOf(error) });
      }
      return;
    case "speed":
      return player?.setSpeed(data.roundsPerSecond);
    case "step":
      return player?.step();
    case "drawn":
      return player?.drawn(data.states);
    case "order":
      return player?.order();
  }
};
