export * from "./key-space.ts";
export * from "./living-rows.ts";
export * from "./lookup-network.ts";
