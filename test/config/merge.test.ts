import { describe, expect, test } from "vitest";
import { mergeConfigFiles } from "../../src/config/merge.js";
import type { ConfigFile } from "../../src/config/schema.js";

const user: ConfigFile = {
  providers: {
    a: {
      type: "openai",
      apiKey: "$A",
      headers: { "X-One": "1", "X-Two": "2" },
      models: [{ id: "m", contextWindow: 10, name: "Mine" }, { id: "n" }],
    },
    b: { type: "google", apiKey: "$B" },
  },
  models: {
    large: { provider: "a", model: "m", temperature: 1 },
    small: { provider: "b", model: "s" },
  },
  permissions: { mode: "ask", allow: ["ls"], deny: ["bash:rm*"] },
  mcpServers: { s: { command: "one", args: ["x"] }, t: { command: "two" } },
  autoSummarize: false,
  summaryModel: "small",
  limits: { maxSteps: 10, maxDenials: 2, toolSeconds: 600 },
};

describe("a workspace's file over the user's", () => {
  test("that is empty changes nothing", () => {
    expect(mergeConfigFiles(user, {})).toEqual(user);
  });

  test("stands alone where the user has none", () => {
    expect(mergeConfigFiles({}, user)).toEqual(user);
  });

  test("wins setting by setting", () => {
    const merged = mergeConfigFiles(user, {
      models: { large: { provider: "b", model: "l" } },
      permissions: { mode: "deny" },
      autoSummarize: true,
      summaryModel: "large",
      limits: { maxSteps: 20 },
    });
    expect(merged).toMatchObject({
      models: { large: { provider: "b", model: "l" }, small: { provider: "b", model: "s" } },
      permissions: { mode: "deny" },
      autoSummarize: true,
      summaryModel: "large",
      limits: { maxSteps: 20, maxDenials: 2, toolSeconds: 600 },
    });
    expect(merged.models?.large).not.toHaveProperty("temperature");
  });

  test("adds its rules behind the user's", () => {
    const { permissions } = mergeConfigFiles(user, {
      permissions: { allow: ["view"], deny: ["edit:x"] },
    });
    expect(permissions).toEqual({
      mode: "ask",
      allow: ["ls", "view"],
      deny: ["bash:rm*", "edit:x"],
    });
  });

  test("merges a provider of the same type field by field, and puts its own first", () => {
    const { providers } = mergeConfigFiles(user, {
      providers: {
        c: { type: "anthropic" },
        a: {
          type: "openai",
          baseUrl: "https://example.test/v1",
          headers: { "x-one": "one" },
          models: [{ id: "m", contextWindow: 20 }, { id: "o" }],
        },
      },
    });
    expect(Object.keys(providers ?? {})).toEqual(["c", "a", "b"]);
    expect(providers?.a).toEqual({
      type: "openai",
      apiKey: "$A",
      baseUrl: "https://example.test/v1",
      headers: { "x-one": "one", "X-Two": "2" },
      models: [{ id: "m", contextWindow: 20, name: "Mine" }, { id: "o" }, { id: "n" }],
    });
  });

  test("replaces a provider of another type, its key too", () => {
    const { providers } = mergeConfigFiles(user, { providers: { a: { type: "anthropic" } } });
    expect(providers?.a).toEqual({ type: "anthropic" });
  });

  test("replaces a tool server whole", () => {
    const { mcpServers } = mergeConfigFiles(user, {
      mcpServers: { s: { url: "https://example.test/mcp" } },
    });
    expect(mcpServers).toEqual({ s: { url: "https://example.test/mcp" }, t: { command: "two" } });
  });
});
