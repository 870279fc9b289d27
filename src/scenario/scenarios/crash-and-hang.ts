import type { Scenario, Step } from "../scenario.ts";

/** Of the documents: three misses, the neighbors' second opinion, the seed's own look; of other profiles their own. */
const bound = "5 pings";

const victimJoins: readonly Step[] = [
  { do: "join", name: "victim" },
  {
    do: "expect",
    is: "listed",
    node: "victim",
    neighbors: 1,
    within: "20s",
    claim: "the victim joined and all seeds know its neighbors",
  },
  // Whoever links to it from now on pings it first somewhere in the coming interval: let it settle.
  { do: "wait", for: "1 ping" },
];

const victimIsRemoved: readonly Step[] = [
  { do: "expect", is: "removed", node: "victim", within: "15 pings", claim: "removed from all seeds" },
  { do: "expect", is: "removed", node: "victim", by: bound, claim: "within 5 pings" },
  { do: "expect", is: "nobody-removed", except: "victim", claim: "no live peer was removed" },
];

export const crash: Scenario = {
  name: "crash",
  description: "kill -9 a peer's process: all seeds remove it within 5 pings, and nobody else",
  timeline: [
    ...victimJoins,
    { do: "crash", node: "victim" },
    ...victimIsRemoved,
    { do: "publish", from: "all peers" },
    {
      do: "expect",
      is: "delivered",
      within: "15s",
      claim: "gossip still reaches everybody else",
    },
  ],
};

export const hang: Scenario = {
  name: "hang",
  description:
    "SIGSTOP a peer's process: noticed though its sockets stay open; after SIGCONT it comes back by itself",
  timeline: [
    ...victimJoins,
    { do: "pause", node: "victim" },
    ...victimIsRemoved,
    { do: "resume", node: "victim" },
    {
      do: "expect",
      is: "listed",
      node: "victim",
      within: "60s",
      claim: "the woken peer is back in all lists, by itself",
      figure: "backMs",
    },
    { do: "expect", is: "linked", node: "victim", within: "20s", claim: "and has neighbors again" },
  ],
};
