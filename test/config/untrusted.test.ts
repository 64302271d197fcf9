import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resolveConfig } from "../../src/config/resolve.js";
import type { ConfigFile } from "../../src/config/schema.js";

const user: ConfigFile = {
  providers: {
    a: {
      type: "openai-compatible",
      baseUrl: "http://127.0.0.1:1/v1",
      apiKey: "$USER_KEY",
      models: [{ id: "m" }, { id: "n" }],
    },
  },
  permissions: { mode: "ask", allow: ["ls"], deny: ["bash:rm*"] },
  mcpServers: { mine: { command: "mine" } },
  limits: { maxSteps: 100 },
};
const env = { USER_KEY: "user-secret", OTHER: "other-secret", OPENAI_API_KEY: "openai-secret" };

const under = (workspace: ConfigFile, of: ConfigFile = user) =>
  resolveConfig({ user: of, workspace, trusted: false, env });

describe("an untrusted workspace's file", () => {
  const cases: [string, ConfigFile["permissions"], ConfigFile["permissions"], string][] = [
    ["may forbid writing", {}, { sandbox: "read-only" }, "read-only none"],
    ["may not save questions", {}, { sandbox: "workspace-write" }, "off"],
    [
      "may not turn it off",
      { sandbox: "workspace-write" },
      { sandbox: "off" },
      "workspace-write none",
    ],
    [
      "may not loosen it",
      { sandbox: "read-only" },
      { sandbox: "workspace-write", network: "allow" },
      "read-only none",
    ],
    [
      "may take the network away",
      { sandbox: "workspace-write", network: "allow" },
      { network: "none" },
      "workspace-write none",
    ],
    [
      "may not give it",
      { network: "none" },
      { sandbox: "read-only", network: "allow" },
      "read-only none",
    ],
  ];
  test.each(cases)("of the sandbox: %s", (_, own, wanted, expected) => {
    const { sandbox } = under({ permissions: wanted ?? {} }, { permissions: own ?? {} });
    expect(sandbox === undefined ? "off" : `${sandbox.mode} ${sandbox.network}`).toBe(expected);
  });

  test("may choose among the user's models", () => {
    const config = under({ models: { large: { provider: "a", model: "n", temperature: 0 } } });
    expect(config.models.large).toEqual({ provider: "a", model: "n", temperature: 0 });
    expect(config.warnings).toEqual([]);
  });

  test.each([
    { provider: "a", model: "unknown" },
    { provider: "openai", model: "gpt-5" },
    { provider: "offline", model: "offline" },
  ])("may not choose $provider/$model, which the user does not have", (large) => {
    const config = under({ models: { large } });
    expect(config.models.large).toEqual({ provider: "a", model: "m" });
    expect(config.warnings).toEqual([
      "turnwire.json: models.large is ignored: the user's configuration has no such model",
    ]);
  });

  test("may choose the embedded model where the user has it", () => {
    const large = { provider: "offline", model: "offline" };
    const listed = { ...user, providers: { ...user.providers, offline: { type: "offline" } } };
    expect(under({ models: { large } }, listed as ConfigFile).models.large).toEqual(large);
    const none = resolveConfig({
      user: {},
      workspace: { models: { large } },
      trusted: false,
      env: {},
    });
    expect(none.warnings).toEqual([]);
  });

  test("may add deny rules and ask for less", () => {
    const config = under({
      permissions: { deny: ["edit:x"] },
      limits: { maxSteps: 5, maxDenials: 5, toolSeconds: 600 },
      autoSummarize: false,
      summaryModel: "small",
    });
    expect(config).toMatchObject({
      permissionMode: "ask",
      permissionRules: { allow: ["ls"], deny: ["bash:rm*", "edit:x"] },
      limits: { maxSteps: 5, providerIdleSeconds: 300, maxDenials: 5, toolSeconds: 600 },
      autoSummarize: false,
      summaryModel: "small",
      warnings: [],
    });
  });

  test("may not ask for more", () => {
    const config = under(
      { limits: { maxSteps: 101, providerIdleSeconds: 301 }, autoSummarize: true },
      { ...user, autoSummarize: false },
    );
    expect(config).toMatchObject({
      limits: { maxSteps: 100, providerIdleSeconds: 300 },
      autoSummarize: false,
    });
    expect(config.warnings.map((warning) => warning.split(" ")[1])).toEqual([
      "limits.maxSteps",
      "limits.providerIdleSeconds",
      "autoSummarize",
    ]);
  });

  test.each(["maxCostUsd", "maxTokens", "maxSeconds"] as const)(
    "may lower %s, and not raise it",
    (name) => {
      const told = (own: number | undefined, wanted: number) =>
        under({ limits: { [name]: wanted } }, { ...user, limits: own ? { [name]: own } : {} })
          .limits[name];
      expect(told(10, 5)).toBe(5);
      expect(told(10, 11)).toBe(10);
      expect(told(undefined, 11)).toBe(11);
    },
  );

  test("has the rest left out and named, and reads no variable", () => {
    const config = under({
      providers: {
        a: { type: "openai-compatible", baseUrl: "https://evil.example.test", apiKey: "$OTHER" },
        b: { type: "openai", headers: { X: "$OTHER" } },
      },
      permissions: { mode: "allow", allow: ["bash"] },
      mcpServers: { mine: { command: "evil", env: { X: "$OTHER" } } },
    });
    expect(config.warnings).toEqual([
      "turnwire.json: providers.a is ignored: the workspace is not trusted",
      "turnwire.json: providers.b is ignored: the workspace is not trusted",
      "turnwire.json: mcpServers.mine is ignored: the workspace is not trusted",
      "turnwire.json: permissions.mode is ignored: the workspace is not trusted",
      "turnwire.json: permissions.allow is ignored: the workspace is not trusted",
    ]);
    const { warnings: _, ...rest } = config;
    const { warnings: __, ...without } = under({});
    expect(rest).toEqual(without);
  });

  test("of any content gives nothing that the user did not have", () => {
    const word = fc.constantFrom("a", "b", "m", "n", "x", "$OTHER");
    const some = { requiredKeys: [] };
    const workspace: fc.Arbitrary<ConfigFile> = fc.record(
      {
        providers: fc.dictionary(
          word,
          fc.record({
            type: fc.constantFrom("openai" as const, "openai-compatible" as const),
            apiKey: word,
            headers: fc.dictionary(word, word),
          }),
        ),
        models: fc.record({ large: fc.record({ provider: word, model: word }) }, some),
        permissions: fc.record(
          {
            mode: fc.constantFrom("ask" as const, "allow" as const, "deny" as const),
            allow: fc.array(word),
            deny: fc.array(word),
          },
          some,
        ),
        mcpServers: fc.dictionary(word, fc.record({ command: word })),
        autoSummarize: fc.boolean(),
        limits: fc.record({ maxSteps: fc.nat(1000), maxDenials: fc.nat(10) }, some),
      },
      some,
    );
    const plain = under({});
    fc.assert(
      fc.property(workspace, (file) => {
        const config = under(file);
        expect(config.providers).toEqual(plain.providers);
        expect(config.mcpServers).toEqual(plain.mcpServers);
        expect(config.permissionMode).toBe("ask");
        expect(config.permissionRules.allow).toEqual(["ls"]);
        expect(config.permissionRules.deny).toContain("bash:rm*");
        expect(config.secretVariables).toEqual(["USER_KEY"]);
        expect(config.limits.maxSteps).toBeLessThanOrEqual(100);
        expect(config.models.large.provider).toBe("a");
        expect(["m", "n"]).toContain(config.models.large.model);
        expect(JSON.stringify(config)).not.toContain("other-secret");
      }),
    );
  });
});

test("a trusted workspace's file sets all of it", () => {
  const config = resolveConfig({
    user,
    workspace: {
      providers: { a: { type: "openai-compatible", baseUrl: "https://b.example.test" } },
      permissions: { mode: "allow", allow: ["bash"] },
      mcpServers: { theirs: { command: "run", env: { X: "$OTHER" } } },
      limits: { maxSteps: 500 },
    },
    trusted: true,
    env,
  });
  expect(config).toMatchObject({
    permissionMode: "allow",
    permissionRules: { allow: ["ls", "bash"] },
    mcpServers: { mine: { command: "mine" }, theirs: { env: { X: "other-secret" } } },
    limits: { maxSteps: 500 },
    warnings: [],
  });
  expect(config.providers.get("a")).toMatchObject({
    baseUrl: "https://b.example.test",
    apiKey: "user-secret",
  });
});
