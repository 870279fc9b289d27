export * from "./campaign.ts";
export {
  type CampaignBroadcast,
  campaignBroadcasts,
  closed,
  type Draft,
  drawScenario,
  type FaultKind,
  faultKinds,
} from "./draw.ts";
export * from "./run-one.ts";
export type * from "./seed-campaign.ts";
export * from "./shrink.ts";
