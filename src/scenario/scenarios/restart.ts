import type { Scenario } from "../scenario.ts";

export const restart: Scenario = {
  name: "restart",
  description: "kill -9 a peer and start it again: same identity, its history, and what was said meanwhile",
  timeline: [
    { do: "join", name: "phoenix" },
    { do: "expect", is: "linked", node: "phoenix", within: "20s", claim: "the peer joined" },
    { do: "publish", from: "all peers", messages: 3 },
    { do: "expect", is: "delivered", within: "15s", claim: "gossip reached everybody" },
    // A message is delivered first and written to disk then.
    { do: "wait", for: 200 },
    { do: "crash", node: "phoenix" },
    { do: "publish", from: "all peers", messages: 2 },
    { do: "expect", is: "delivered", within: "15s", claim: "and goes on while it is gone" },
    { do: "restart", node: "phoenix", keepsDisk: true },
    {
      do: "expect",
      is: "same-node",
      node: "phoenix",
      claim: "it is the same node, in a later life, with what it had on disk",
    },
    {
      do: "expect",
      is: "delivered",
      node: "phoenix",
      within: "30s",
      claim: "and it caught up with what it missed",
      figure: "backMs",
    },
    { do: "expect", is: "linked", node: "phoenix", within: "30s", claim: "it has neighbors again" },
    { do: "expect", is: "listed", node: "phoenix", within: "15s", claim: "every seed lists it, and once" },
    { do: "publish", from: "phoenix" },
    { do: "expect", is: "delivered", within: "10s", claim: "what it says now reaches everybody" },
    { do: "expect", is: "nobody-removed", except: "phoenix", claim: "nobody else was removed" },
  ],
};
