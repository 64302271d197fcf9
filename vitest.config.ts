import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/helpers/buildOnce.ts"],
    // On a slow machine, three files at once, some take a minute. A gate that nobody opens is seen anyway.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 3,
  },
});
