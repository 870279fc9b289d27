export * from "./campaign.ts";
export {
  type CampaignBroadcast,
  campaignBroadcasts,
  closed,
  type Draft,
  type Drawing,
  drawScenario,
} from "./draw.ts";
export { type FaultKind, faultKinds, memberFaultKinds } from "./faults.ts";
export * from "./run-one.ts";
export type * from "./seed-campaign.ts";
export * from "./shrink.ts";
