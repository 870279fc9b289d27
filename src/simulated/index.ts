export * from "./simulated-contact.ts";
export * from "./simulated-disk.ts";
export * from "./simulated-network.ts";
export * from "./simulated-signatures.ts";
