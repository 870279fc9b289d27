export * from "./campaign.ts";
export { type Draft as LookupDraft, faultKinds as lookupFaultKinds } from "./draft.ts";
export { parseRunFile, type RunFile, readRunFile, runFileText } from "./run-file.ts";
