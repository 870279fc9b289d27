export * from "./campaign/index.ts";
export * from "./compare/index.ts";
export * from "./key-space.ts";
export * from "./lab-routers.ts";
export * from "./living-rows.ts";
export * from "./lookup-network.ts";
export * from "./static-kademlia.ts";
export * from "./store-ledger.ts";
