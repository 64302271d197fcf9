import { describe, expect, test } from "vitest";
import { resolveConfig } from "../../src/config/resolve.js";
import type { ConfigFile } from "../../src/config/schema.js";
import type { Environment } from "../../src/config/variables.js";

const resolveUser = (user: ConfigFile, env: Environment = {}) =>
  resolveConfig({ user, workspace: {}, trusted: false, env });

const local = {
  type: "openai-compatible",
  baseUrl: "http://127.0.0.1:1/v1",
  models: [{ id: "big" }, { id: "tiny" }],
} as const satisfies NonNullable<ConfigFile["providers"]>[string];

const copy = () => ({ ...local, models: [...local.models] });

describe("with nothing configured", () => {
  test.each<[Environment, string]>([
    [{}, "offline/offline"],
    [{ ANTHROPIC_API_KEY: "" }, "offline/offline"],
    [{ GEMINI_API_KEY: "g" }, "google/gemini-3.8-flash"],
    [{ GEMINI_API_KEY: "g", OPENAI_API_KEY: "o" }, "openai/gpt-6.1-sol"],
    [
      { GEMINI_API_KEY: "g", OPENAI_API_KEY: "o", ANTHROPIC_API_KEY: "a" },
      "anthropic/claude-sonnet-5-5",
    ],
  ])("the environment %j gives %s", (env, expected) => {
    const { models, warnings } = resolveUser({}, env);
    expect(`${models.large.provider}/${models.large.model}`).toBe(expected);
    expect(warnings).toEqual([]);
  });

  test("the first key's provider and the embedded one are all there is", () => {
    const config = resolveUser({}, { OPENAI_API_KEY: "o", GEMINI_API_KEY: "g" });
    expect([...config.providers.keys()]).toEqual(["openai", "offline"]);
    expect(config.providers.get("openai")).toMatchObject({
      apiKey: "o",
      apiKeyVariable: "OPENAI_API_KEY",
    });
    expect(config.secretVariables).toEqual(["OPENAI_API_KEY"]);
  });

  test("everything else has its default", () => {
    expect(resolveUser({})).toMatchObject({
      permissionRules: { allow: [], deny: [] },
      mcpServers: {},
      autoSummarize: true,
      summaryModel: "large",
      limits: { maxSteps: 200, providerIdleSeconds: 300, maxDenials: 5, toolSeconds: 600 },
      secretVariables: [],
    });
    expect(resolveUser({}).permissionMode).toBeUndefined();
  });
});

describe("what bounds the server", () => {
  const workspace: ConfigFile = { limits: { concurrentRuns: 9, maxSteps: 3 } };

  test.each([true, false])("is the user's alone, of a trusted workspace (%s) too", (trusted) => {
    const user: ConfigFile = { limits: { concurrentRuns: 2 } };
    const config = resolveConfig({ user, workspace, trusted, env: {} });
    expect(config.serverLimits).toEqual({ concurrentRuns: 2 });
    expect(config.limits).toEqual({
      maxSteps: 3,
      providerIdleSeconds: 300,
      maxDenials: 5,
      toolSeconds: 600,
    });
    expect(config.warnings).toEqual([expect.stringContaining("limits.concurrentRuns is ignored")]);
  });

  test("is told of every such bound that a workspace's file has", () => {
    const file: ConfigFile = { limits: { keepDays: 9, checkpointMegabytes: 9 } };
    const { serverLimits, limits, warnings } = resolveConfig({
      user: file,
      workspace: file,
      trusted: true,
      env: {},
    });
    expect(serverLimits).toEqual(file.limits);
    expect(Object.keys(limits)).not.toContain("checkpointMegabytes");
    expect(warnings).toHaveLength(2);
  });

  test("is nothing unless told", () => {
    expect(resolveConfig({ user: {}, workspace, trusted: true, env: {} }).serverLimits).toEqual({});
  });
});

describe("the models", () => {
  test.each<[string, ConfigFile, string, string]>([
    [
      "the first provider's first model",
      { providers: { local: copy() } },
      "local/big",
      "local/big",
    ],
    [
      "the first provider's defaults",
      {
        providers: {
          local: { ...copy(), defaultLargeModel: "tiny", defaultSmallModel: "big" },
          openai: { type: "openai" },
        },
      },
      "local/tiny",
      "local/big",
    ],
    [
      "what is chosen",
      {
        providers: { openai: { type: "openai" }, local: copy() },
        models: { large: { provider: "local", model: "tiny" } },
      },
      "local/tiny",
      "local/tiny",
    ],
    [
      "a chosen small one",
      {
        providers: { local: copy() },
        models: { small: { provider: "offline", model: "offline" } },
      },
      "local/big",
      "offline/offline",
    ],
    [
      "the small one of the large one's provider",
      {
        providers: { local: copy(), a: { type: "anthropic" } },
        models: { large: { provider: "a", model: "claude-opus-5-5" } },
      },
      "a/claude-opus-5-5",
      "a/claude-haiku-5-5",
    ],
    [
      "the first provider that has any",
      { providers: { empty: { ...copy(), models: [] }, local: copy() } },
      "local/big",
      "local/big",
    ],
    [
      "a choice that is not configured, for findModel to tell",
      { models: { large: { provider: "gone", model: "m" } } },
      "gone/m",
      "gone/m",
    ],
  ])("are %s", (_what, user, large, small) => {
    const { models } = resolveUser(user);
    expect(`${models.large.provider}/${models.large.model}`).toBe(large);
    expect(`${models.small.provider}/${models.small.model}`).toBe(small);
  });

  test("without a key of the environment's, when providers are configured", () => {
    const config = resolveUser({ providers: { local: copy() } }, { OPENAI_API_KEY: "o" });
    expect([...config.providers.keys()]).toEqual(["local", "offline"]);
  });

  test("of a vendor without a list are the catalogue's", () => {
    const models = resolveUser({ providers: { v: { type: "anthropic" } } }).providers.get(
      "v",
    )?.models;
    expect(models?.find(({ id }) => id === "claude-opus-5-5")).toEqual({
      id: "claude-opus-5-5",
      provider: "v",
      name: "Claude Opus 5.5",
      contextWindow: 1_000_000,
      defaultMaxTokens: 32_000,
      canReason: true,
      supportsImages: true,
      costPerMillionInput: 4,
      costPerMillionOutput: 20,
      costPerMillionCachedInput: 0.2,
      costPerMillionCacheWrite: 5,
    });
  });

  test("that are listed are all there are, each over the catalogue's entry of its id", () => {
    const provider = resolveUser({
      providers: {
        v: {
          type: "anthropic",
          models: [{ id: "claude-opus-5-5", costPerMillionInput: 1 }, { id: "new" }],
        },
      },
    }).providers.get("v");
    expect(provider?.models).toEqual([
      expect.objectContaining({
        name: "Claude Opus 5.5",
        costPerMillionInput: 1,
        costPerMillionOutput: 20,
      }),
      { id: "new", provider: "v", name: "new", canReason: false, supportsImages: false },
    ]);
    expect(provider).not.toHaveProperty("defaultLargeModel");
  });

  test("of the embedded provider can be shaped, for tests of full windows", () => {
    const config = resolveUser({
      providers: { offline: { type: "offline", models: [{ id: "offline", contextWindow: 500 }] } },
    });
    expect(config.providers.get("offline")?.models[0]).toMatchObject({
      contextWindow: 500,
      canReason: true,
    });
    expect(config.warnings).toEqual([]);
  });
});

describe("keys", () => {
  test("a variable's value is the key, without the line end that came along", () => {
    const config = resolveUser(
      { providers: { l: { ...copy(), apiKey: "$L_KEY" } } },
      { L_KEY: "secret\r\n" },
    );
    expect(config.providers.get("l")).toMatchObject({ apiKey: "secret", apiKeyVariable: "L_KEY" });
  });

  test("a variable that is not set leaves no key, but its name and a warning", () => {
    const config = resolveUser({ providers: { l: { ...copy(), apiKey: "$L_KEY" } } });
    expect(config.providers.get("l")).not.toHaveProperty("apiKey");
    expect(config.providers.get("l")?.apiKeyVariable).toBe("L_KEY");
    expect(config.warnings).toEqual([
      "providers.l.apiKey is left out: the variable L_KEY is not set",
    ]);
    expect(config.secretVariables).toEqual(["L_KEY"]);
  });

  test("what the user's file names stays secret where a trusted workspace replaces it", () => {
    const user: ConfigFile = {
      providers: { l: { ...copy(), apiKey: "$L_KEY" }, v: { type: "openai" } },
      mcpServers: { run: { command: "run", env: { TOKEN: "$M_KEY", HOME: "$HOME" } } },
    };
    const workspace: ConfigFile = {
      providers: {
        l: { ...copy(), apiKey: "literal" },
        v: { ...copy(), apiKey: "literal" },
      },
      mcpServers: { run: { command: "other", env: { T: "$W_KEY" } } },
    };
    const config = resolveConfig({ user, workspace, trusted: true, env: {} });
    expect(config.secretVariables.toSorted()).toEqual([
      "L_KEY",
      "M_KEY",
      "OPENAI_API_KEY",
      "W_KEY",
    ]);
  });

  test("a literal is the key itself, and no variable is named", () => {
    const provider = resolveUser({
      providers: { l: { ...copy(), apiKey: "a$$b" } },
    }).providers.get("l");
    expect(provider?.apiKey).toBe("a$b");
    expect(provider).not.toHaveProperty("apiKeyVariable");
  });

  test("a vendor's usual key is read for the vendor, never for another host", () => {
    const config = resolveUser(
      {
        providers: {
          vendor: { type: "openai" },
          proxy: { type: "openai", baseUrl: "https://proxy.example.test/v1" },
        },
      },
      { OPENAI_API_KEY: "o" },
    );
    expect(config.providers.get("vendor")?.apiKey).toBe("o");
    expect(config.providers.get("proxy")).not.toHaveProperty("apiKey");
    expect(config.providers.get("proxy")).not.toHaveProperty("apiKeyVariable");
  });

  test("a webhook whose address is none is left out and not quoted", () => {
    const hooks = { a: "notaurl", b: "$HOOK", c: "ftp://host/x", d: "https://host/x" };
    const relays = Object.fromEntries(
      Object.entries(hooks).map(([name, url]) => [name, { type: "http" as const, url }]),
    );
    const config = resolveConfig({
      user: { relays },
      workspace: {},
      trusted: false,
      env: { HOOK: "s3cret" },
    });
    expect(Object.keys(config.relays)).toEqual(["d"]);
    expect(config.warnings).toEqual(
      ["a", "b", "c"].map(
        (name) => `relays.${name}.url is left out: it must be an http or https URL`,
      ),
    );
  });

  test("a value that no header can carry is left out and not quoted", () => {
    const config = resolveUser(
      { providers: { l: { ...copy(), apiKey: "$L_KEY", headers: { "X-A": "$L_KEY" } } } },
      { L_KEY: "sec\nret" },
    );
    expect(config.providers.get("l")).toMatchObject({ headers: {} });
    expect(config.providers.get("l")).not.toHaveProperty("apiKey");
    expect(config.warnings).toEqual([
      "providers.l.apiKey is left out: $L_KEY holds a character that no header can carry",
      "providers.l.headers.X-A is left out: $L_KEY holds a character that no header can carry",
    ]);
  });

  test("headers and tool servers' variables are read too, and what is unset is left out", () => {
    const config = resolveUser(
      {
        providers: { l: { ...copy(), headers: { A: "Bearer $H_KEY", B: "$GONE", C: "plain" } } },
        mcpServers: {
          run: { command: "run", env: { TOKEN: "$M_KEY", PATH: "/x:$PATH", NONE: "$GONE" } },
          web: { url: "https://mcp.example.test", headers: { Authorization: "$H_KEY" } },
        },
      },
      { H_KEY: "h", M_KEY: "m", PATH: "/bin" },
    );
    expect(config.providers.get("l")?.headers).toEqual({ A: "Bearer h", C: "plain" });
    expect(config.mcpServers).toEqual({
      run: { command: "run", args: [], env: { TOKEN: "m", PATH: "/x:/bin" } },
      web: { url: "https://mcp.example.test", headers: { Authorization: "h" } },
    });
    expect(config.warnings).toEqual([
      "providers.l.headers.B is left out: the variable GONE is not set",
      "mcpServers.run.env.NONE is left out: the variable GONE is not set",
    ]);
    expect(config.secretVariables).toEqual(["H_KEY", "GONE", "M_KEY"]);
  });
});
