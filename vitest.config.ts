import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/helpers/buildOnce.ts"],
    // On a slow machine, three files at once, some take two minutes. A gate that nobody opens is seen anyway.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // What is waited for comes, on a slow machine later.
    expect: { poll: { timeout: 30_000 } },
    pool: "forks",
    maxWorkers: 3,
  },
});
