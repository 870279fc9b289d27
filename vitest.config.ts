import { defineConfig } from "vitest/config";

/** Without a machine and without a state of their own: their tests may share what was loaded, which saves a quarter of the time. */
const pure = [
  "core",
  "theory",
  "membership",
  "dissemination",
  "lookup",
  "storage",
  "profiles",
  "simulator",
  "simulated",
  "trace",
  "scenario",
  "wire",
].map((folder) => `src/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Live tests open many sockets; two cores are the reference machine.
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: "pure", include: pure, isolate: false } },
      {
        extends: true,
        test: {
          name: "machine",
          include: ["src/**/*.test.ts", "dashboard/src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [...pure, "**/node_modules/**"],
          globalSetup: "test/support/chromium.ts",
        },
      },
    ],
  },
});
