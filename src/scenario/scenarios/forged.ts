import type { Scenario, Step } from "../scenario.ts";

const nothingChanged: readonly Step[] = [
  { do: "expect", is: "nobody-removed", claim: "nobody was removed" },
  { do: "expect", is: "lists-unchanged", claim: "the lists are what they were" },
  { do: "publish", from: "all peers" },
  { do: "expect", is: "delivered", within: "15s", claim: "gossip reaches everybody" },
];

export const forgedReport: Scenario = {
  name: "forged-report",
  description: "false dead-node reports, by a stranger and by a member: nobody is removed",
  timeline: [
    { do: "forge-reports", against: "peer-1" },
    // Time enough to remove somebody, were they believed.
    { do: "wait", for: "3 pings" },
    {
      do: "expect",
      is: "forgeries-refused",
      claim: "what the member reported arrived and was ignored, and no stranger got in",
    },
    ...nothingChanged,
  ],
};

export const forgedRegistration: Scenario = {
  name: "forged-registration",
  description: "registrations of others, of closed ports and by strangers: the lists do not change",
  timeline: [
    { do: "forge-registrations", count: 200 },
    // The claims of a closed port are only known to be false when the call-back has failed.
    {
      do: "expect",
      is: "forgeries-refused",
      within: "15s",
      claim: "every false registration is refused, and no stranger got in",
    },
    ...nothingChanged,
    { do: "join", name: "joiner" },
    {
      do: "expect",
      is: "linked",
      node: "joiner",
      within: "10s",
      claim: "the next joiner finds real neighbors",
      figure: "joinMs",
    },
  ],
};
