import type { Scenario } from "../scenario.ts";

export const seedLoss: Scenario = {
  name: "seed-loss",
  description: "a minority of the seeds dies and comes back empty: joins go on, and the lists agree again",
  timeline: [
    { do: "crash", node: { random: "minority", of: "seeds" } },
    { do: "join", name: "joiner" },
    {
      do: "expect",
      is: "registered",
      node: "joiner",
      within: "30s",
      claim: "a newcomer joins while they are gone",
      figure: "joinMs",
    },
    { do: "expect", is: "linked", node: "joiner", within: "30s", claim: "and finds neighbors" },
    { do: "publish", from: "all peers" },
    {
      do: "expect",
      is: "delivered",
      within: "15s",
      claim: "gossip reaches everybody, the newcomer too",
    },
    { do: "expect", is: "lists-exact", within: "15s", claim: "the seeds that are left list everybody" },
    { do: "restart", node: "the drawn", keepsDisk: false },
    {
      do: "expect",
      is: "lists-exact",
      within: "30s",
      claim: "the returned seeds hold the full list again",
      figure: "fullListAgainMs",
    },
    { do: "expect", is: "seeds-agree", within: "30s", claim: "and the lists are the same" },
  ],
};
