import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "dashboard/src/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: "test/support/chromium.ts",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Live tests open many sockets; two cores are the reference machine.
    maxWorkers: 2,
  },
});
