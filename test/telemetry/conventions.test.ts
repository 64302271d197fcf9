// The table of names against the registry that OpenTelemetry publishes as a package.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as registry from "@opentelemetry/semantic-conventions/incubating";
import { describe, expect, it } from "vitest";
import {
  conventionalAttributes,
  conventionsVersion,
  metrics,
  ownAttributes,
  providerName,
} from "../../src/telemetry/conventions.js";

const published = new Set<unknown>(Object.values(registry));
const valuesOf = (prefix: string) =>
  Object.entries(registry)
    .filter(([name]) => name.startsWith(prefix))
    .map(([, value]) => value);

describe("the names of the conventions", () => {
  it("are those of the version that is named, and none of them is deprecated in it", () => {
    const require = createRequire(import.meta.url);
    const file = require.resolve("@opentelemetry/semantic-conventions");
    const folder = file.slice(0, file.lastIndexOf("build"));
    const { version } = JSON.parse(readFileSync(`${folder}package.json`, "utf8")) as {
      version: string;
    };
    expect(version.split(".").slice(0, 2)).toEqual(conventionsVersion.split(".").slice(0, 2));
    const types = ["experimental", "stable"]
      .map((kind) => readFileSync(`${folder}build/src/${kind}_attributes.d.ts`, "utf8"))
      .join("\n");
    for (const name of Object.keys(conventionalAttributes)) {
      expect(published.has(name), name).toBe(true);
      const at = types.indexOf(`: "${name}";`);
      const comment = types.slice(types.lastIndexOf("/**", at), at);
      expect(at, name).toBeGreaterThan(0);
      expect(comment, name).not.toContain("@deprecated");
    }
  });

  it("are not taken by what is ours", () => {
    for (const name of Object.keys(ownAttributes)) {
      expect(published.has(name), name).toBe(false);
      expect(name).toMatch(/^turnwire\./);
    }
  });

  it("of metrics and their values too", () => {
    for (const name of Object.keys(metrics)) {
      expect(published.has(name), name).toBe(name.startsWith("gen_ai."));
    }
    const operations = valuesOf("GEN_AI_OPERATION_NAME_VALUE_");
    expect(operations).toEqual(expect.arrayContaining(["chat", "execute_tool", "invoke_agent"]));
    const providers = valuesOf("GEN_AI_PROVIDER_NAME_VALUE_");
    const ids = ["anthropic", "azure", "bedrock", "google", "mistral", "openai", "vertex", "xai"];
    for (const id of ids) expect(providers, id).toContain(providerName(id));
    expect(providerName("constructor")).toBe("constructor");
  });
});
