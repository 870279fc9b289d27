import type { Scenario } from "../scenario.ts";

export const lateJoin: Scenario = {
  name: "late-join",
  description:
    "a peer that joins after all gossip was said gets the whole retained history from its neighbors",
  // All of it, however many peers say it.
  stack: { options: { broadcast: { retainMessages: 1_000_000 } } },
  timeline: [
    { do: "publish", from: "all peers", messages: 10 },
    {
      do: "expect",
      is: "delivered",
      within: "15s",
      claim: "the messages reached everybody who was there",
    },
    { do: "wait", for: 200 },
    { do: "join", name: "latecomer" },
    {
      do: "expect",
      is: "delivered",
      node: "latecomer",
      within: "20s",
      claim: "the latecomer has 100 % of the retained history",
      figure: "ms",
    },
    { do: "publish", from: "all peers" },
    { do: "expect", is: "delivered", within: "15s", claim: "and takes part in what comes next" },
  ],
};
