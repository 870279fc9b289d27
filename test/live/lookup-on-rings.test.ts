import { liveLookupContract } from "../contracts/live-lookup.contract.ts";

liveLookupContract([
  { router: "chord", over: "tls" },
  { router: "pastry", over: "tls" },
]);
