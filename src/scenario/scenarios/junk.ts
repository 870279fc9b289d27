import type { Scenario } from "../scenario.ts";

export const junk: Scenario = {
  name: "junk",
  description:
    "HTTP, a 1 MB line, bytes that are no text, half a frame and silence, 1,000 idle connections: all freed",
  stack: {
    // Short patience, so that nobody need wait for the usual one.
    options: {
      links: { helloTimeoutMs: 1000, frameTimeoutMs: 1000, idleMs: 1000 },
      transport: { handshakeTimeoutMs: 1000 },
    },
  },
  timeline: [
    // Links that have served their purpose close: then what is open is what is needed.
    { do: "wait", for: 1500 },
    { do: "junk", node: ["seed-1", "peer-1"], idleConnections: 1000 },
    { do: "publish", from: "all peers" },
    { do: "expect", is: "delivered", within: "15s", claim: "gossip reaches everybody meanwhile" },
    {
      do: "expect",
      is: "junk-freed",
      within: "20s",
      claim: "every junk connection was closed and freed",
      figure: "freedAfterMs",
    },
    { do: "expect", is: "nobody-removed", claim: "nobody was removed" },
    { do: "expect", is: "lists-unchanged", claim: "nobody was added" },
  ],
};
