// What a provider of a cloud finds in the environment, what may go where, and what tools do not get.
import { describe, expect, test } from "vitest";
import { parseConfigFile } from "../../src/config/parse.js";
import { redact } from "../../src/config/redact.js";
import { resolveConfig } from "../../src/config/resolve.js";
import type { Environment } from "../../src/config/variables.js";
import { toolEnvironment } from "../../src/process/environment.js";

const resolve = (entry: object, env: Environment = {}) => {
  const user = parseConfigFile("config.json", JSON.stringify({ providers: { acme: entry } }));
  const config = resolveConfig({ user, workspace: {}, trusted: false, env });
  return { config, provider: config.providers.get("acme") };
};

const awsKeys = {
  AWS_ACCESS_KEY_ID: "AKID",
  AWS_SECRET_ACCESS_KEY: "aws-secret",
  AWS_SESSION_TOKEN: "aws-session",
};

describe("azure", () => {
  test("has the resource and the key of the environment", () => {
    const env = { AZURE_RESOURCE_NAME: "mine", AZURE_API_KEY: "k", AZURE_OPENAI_AD_TOKEN: "t" };
    const { provider, config } = resolve({ type: "azure" }, env);
    expect(provider).toMatchObject({ apiKey: "k", apiKeyVariable: "AZURE_API_KEY" });
    expect(provider?.azure).toEqual({ resource: "mine", usesSignIn: true, token: "t" });
    expect(config.warnings).toEqual([]);
  });

  test.each([
    ["https://mine.openai.azure.com/openai", true],
    ["https://mine.services.ai.azure.com/openai/v1", true],
    ["http://mine.openai.azure.com/openai", false],
    ["https://openai.azure.com.example.test/", false],
    ["https://example.test/mine.openai.azure.com", false],
  ])("gives what the user has to %s: %s", (baseUrl, isGiven) => {
    const env = { AZURE_API_KEY: "k", AZURE_OPENAI_AD_TOKEN: "t" };
    const { provider } = resolve({ type: "azure", baseUrl }, env);
    expect(provider?.apiKey).toBe(isGiven ? "k" : undefined);
    expect(provider?.azure?.token).toBe(isGiven ? "t" : undefined);
    expect(provider?.azure?.usesSignIn).toBe(isGiven);
  });

  test("takes no name for a resource that leads elsewhere", () => {
    const env = { AZURE_RESOURCE_NAME: "evil.example.test/x" };
    expect(resolve({ type: "azure" }, env).provider?.azure?.resource).toBeUndefined();
  });
});

describe("bedrock", () => {
  test("has the keys and the region of the environment", () => {
    const { provider } = resolve({ type: "bedrock" }, { ...awsKeys, AWS_REGION: "eu-west-1" });
    expect(provider?.apiKey).toBeUndefined();
    expect(provider?.aws).toMatchObject({
      region: "eu-west-1",
      keys: { accessKeyId: "AKID", secretAccessKey: "aws-secret", sessionToken: "aws-session" },
    });
  });

  test("a profile comes before keys of the environment, and one that is named before a key", () => {
    const env = { ...awsKeys, AWS_PROFILE: "work", AWS_BEARER_TOKEN_BEDROCK: "b" };
    const told = resolve({ type: "bedrock", profile: "mine" }, env).provider;
    expect(told?.aws).toMatchObject({ profile: "mine" });
    expect(told?.aws?.keys).toBeUndefined();
    expect(told?.apiKey).toBeUndefined();
    const untold = resolve({ type: "bedrock" }, env).provider;
    expect(untold).toMatchObject({ apiKey: "b", aws: { profile: "work" } });
  });

  test("a key goes to AWS alone", () => {
    const env = { AWS_BEARER_TOKEN_BEDROCK: "b" };
    const at = (baseUrl: string) => resolve({ type: "bedrock", baseUrl }, env).provider?.apiKey;
    expect(at("https://bedrock-runtime.eu-west-1.amazonaws.com")).toBe("b");
    expect(at("https://vpce-1-2.bedrock-runtime.eu-west-1.vpce.amazonaws.com")).toBe("b");
    expect(at("https://mine.s3.amazonaws.com")).toBeUndefined();
    expect(at("https://bedrock-runtime.eu-west-1.amazonaws.com.example.test")).toBeUndefined();
    expect(at("http://127.0.0.1:8080")).toBeUndefined();
  });

  test("AWS's files are those of the environment", () => {
    const named = { AWS_CONFIG_FILE: "/c", AWS_SHARED_CREDENTIALS_FILE: "/s", HOME: "/home/a" };
    expect(resolve({ type: "bedrock" }, named).provider?.aws).toEqual({
      configFile: "/c",
      credentialsFile: "/s",
    });
  });
});

describe("vertex", () => {
  test("has the project, the location and the credentials of the environment", () => {
    const env = {
      GOOGLE_CLOUD_PROJECT: "p",
      GOOGLE_CLOUD_LOCATION: "eu",
      GOOGLE_APPLICATION_CREDENTIALS: "/a.json",
    };
    expect(resolve({ type: "vertex" }, env).provider?.googleCloud).toEqual({
      project: "p",
      location: "eu",
      credentialsFile: "/a.json",
      isNamed: true,
      usesOwn: true,
    });
  });

  test("gives nothing of it to an address that is not Google's, but for a file that is told", () => {
    const env = { GOOGLE_APPLICATION_CREDENTIALS: "/a.json", GOOGLE_VERTEX_API_KEY: "k" };
    const baseUrl = "https://example.test/v1";
    const { provider } = resolve({ type: "vertex", baseUrl }, env);
    expect(provider?.apiKey).toBeUndefined();
    expect(provider?.googleCloud).toMatchObject({ usesOwn: false });
    expect(provider?.googleCloud?.credentialsFile).toBeUndefined();
    const told = resolve({ type: "vertex", baseUrl, credentialsFile: "/b.json" }, env).provider;
    expect(told?.googleCloud).toMatchObject({ usesOwn: true, credentialsFile: "/b.json" });
  });

  test("has the models of Google's catalogue where it lists them, without prices", () => {
    const models = [{ id: "gemini-3.5-flash-lite" }, { id: "claude-haiku-4-5@20251001" }];
    const { provider } = resolve({ type: "vertex", models });
    expect(provider?.models).toMatchObject([
      { contextWindow: 1_048_576, supportsImages: true },
      { contextWindow: 200_000, canReason: true },
    ]);
    for (const model of provider?.models ?? []) expect(model.costPerMillionInput).toBeUndefined();
  });
});

test("a model that a cloud serves is known by the vendor's id in its own", () => {
  const ids = [
    "us.anthropic.claude-opus-4-5-20251101-v1:0",
    "anthropic.claude-opus-5",
    "anthropic.claude-opus-50",
    "evil-anthropic.claude-opus-5",
  ];
  const models = ids.map((id) => ({ id }));
  const { provider } = resolve({ type: "bedrock", models });
  expect(provider?.models.map(({ contextWindow }) => contextWindow)).toEqual([
    ...[200_000, 1_000_000, undefined, undefined],
  ]);
});

test("what a provider takes from the environment is kept from tools, and no log shows it", () => {
  const env = {
    ...awsKeys,
    AZURE_CLIENT_SECRET: "azure-secret",
    AZURE_OPENAI_AD_TOKEN: "azure-token",
    GOOGLE_APPLICATION_CREDENTIALS: "/secret.json",
    AWS_REGION: "eu-west-1",
    AWS_PROFILE: "w",
    GOOGLE_CLOUD_PROJECT: "p",
  };
  for (const [type, hidden] of [
    ["azure", ["AZURE_CLIENT_SECRET", "AZURE_OPENAI_AD_TOKEN"]],
    ["bedrock", Object.keys(awsKeys)],
    ["vertex", ["GOOGLE_APPLICATION_CREDENTIALS"]],
  ] as const) {
    const { config } = resolve({ type }, env);
    const given = toolEnvironment(env, config.secretVariables, {});
    for (const name of hidden) expect(given[name]).toBeUndefined();
    expect(given).toMatchObject({ AWS_REGION: "eu-west-1", AWS_PROFILE: "w" });
    expect(JSON.stringify(redact(config))).not.toMatch(/aws-s|azure-(secret|token)/);
  }
  // Who does not call models with them may want them in a command.
  const { config } = resolve({ type: "anthropic" }, env);
  expect(toolEnvironment(env, config.secretVariables, {})).toMatchObject(awsKeys);
});

test.each([
  [{ type: "anthropic", region: "x" }, "region", "goes with the type `bedrock`"],
  [{ type: "bedrock", project: "x" }, "project", "goes with the type `vertex`"],
  [{ type: "vertex", resource: "x" }, "resource", "goes with the type `azure`"],
  [{ type: "bedrock", region: "x.example.test/" }, "region", "letters, digits"],
  [{ type: "vertex", credentialsFile: "a.json" }, "credentialsFile", "absolute path"],
])("%j is refused", (entry, field, why) => {
  try {
    resolve(entry);
    expect.unreachable();
  } catch (error) {
    expect(String(error)).toContain(field);
    expect(String(error)).toContain(why);
  }
});

test.each<[object, Environment, string]>([
  [{ type: "bedrock" }, awsKeys, "$AWS_ACCESS_KEY_ID"],
  [{ type: "bedrock", profile: "work" }, awsKeys, "none, the profile work"],
  [{ type: "bedrock" }, {}, "none, AWS's own places"],
  [{ type: "azure" }, { AZURE_OPENAI_AD_TOKEN: "t" }, "$AZURE_OPENAI_AD_TOKEN"],
  [{ type: "azure" }, {}, "none, the sign-in to Entra ID"],
  [{ type: "azure" }, { AZURE_OPENAI_API_KEY: "k" }, "$AZURE_OPENAI_API_KEY"],
  [{ type: "vertex" }, {}, "none, Google's own places"],
  [{ type: "vertex" }, { GOOGLE_APPLICATION_CREDENTIALS: "/a.json" }, "none, /a.json"],
])("doctor and the log say who calls: %j", (entry, env, shown) => {
  const { config } = resolve(entry, env);
  expect(redact(config).providers[0]?.apiKey).toBe(shown);
});
