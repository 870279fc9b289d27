import { liveLookupContract } from "../contracts/live-lookup.contract.ts";

liveLookupContract([
  { router: "kademlia", over: "tls" },
  { router: "kademlia", over: "udp" },
]);
