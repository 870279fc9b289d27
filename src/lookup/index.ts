export * from "./lookup-options.ts";
