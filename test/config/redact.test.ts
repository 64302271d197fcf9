import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DomainError } from "../../src/base/errors.js";
import { findModel } from "../../src/config/models.js";
import { parseConfigFile } from "../../src/config/parse.js";
import { redact } from "../../src/config/redact.js";
import { resolveConfig } from "../../src/config/resolve.js";

describe("redact", () => {
  test("names keys by their variables and hides every other secret", () => {
    const config = resolveConfig({
      user: {
        providers: {
          variable: { type: "openai", apiKey: "$A_KEY" },
          unset: { type: "openai", apiKey: "$B_KEY" },
          literal: { type: "openai", apiKey: "sk-literal" },
          none: {
            type: "openai-compatible",
            baseUrl: "https://example.test/v1?key=in-query",
            headers: { Authorization: "Bearer literal" },
            models: [{ id: "m" }],
          },
        },
        mcpServers: {
          run: { command: "run", args: ["--token", "argument"], env: { TOKEN: "$A_KEY" } },
          web: { url: "https://mcp.example.test/mcp?key=in-query", headers: { X: "literal" } },
        },
      },
      workspace: {},
      trusted: false,
      env: { A_KEY: "value" },
    });
    const shown = redact(config);
    expect(shown.providers.map(({ id, apiKey }) => [id, apiKey])).toEqual([
      ["variable", "$A_KEY"],
      ["unset", "$B_KEY (not set)"],
      ["literal", "literal"],
      ["none", "none"],
      ["offline", "none"],
    ]);
    expect(shown.providers[3]).toEqual({
      id: "none",
      type: "openai-compatible",
      baseUrl: "https://example.test/v1",
      apiKey: "none",
      headers: ["Authorization"],
      models: ["m"],
    });
    expect(shown.mcpServers).toEqual({
      run: { command: "run", args: 2, env: ["TOKEN"] },
      web: { url: "https://mcp.example.test/mcp", headers: ["X"] },
    });
  });
});

describe("a secret", () => {
  /** Letters that no message of ours contains, so that a hit is a leak. */
  const secret = fc
    .array(fc.constantFrom("ᚠ", "ж", "$$", "\n", '"', " "), { minLength: 1, maxLength: 8 })
    .map((parts) => `ж${parts.join("")}ж`);
  const asValue = (text: string) => text.replaceAll("$$", "$");

  /** Each a place where a key may stand, rightly or by mistake. */
  const places: readonly ((text: string) => unknown)[] = [
    (text) => ({ providers: { p: { type: "openai", apiKey: text } } }),
    (text) => ({ providers: { p: { type: "openai", headers: { X: text } } } }),
    (text) => ({ providers: { p: { type: text } } }),
    (text) => ({ providers: { p: { type: "openai", baseUrl: text } } }),
    (text) => ({ providers: { p: { type: "openai", baseUrl: `https://u:${text}@example.test` } } }),
    (text) => ({
      providers: { p: { type: "openai", baseUrl: `https://example.test/?k=${text}` } },
    }),
    (text) => ({ providers: { p: text } }),
    (text) => ({ providers: text }),
    (text) => ({ mcpServers: { s: { command: "s", env: { X: text } } } }),
    (text) => ({ mcpServers: { s: { command: "s", args: [text] } } }),
    (text) => ({ mcpServers: { s: { url: "https://example.test", headers: { X: text } } } }),
    (text) => ({ mcpServers: { s: { url: text } } }),
    (text) => ({ permissions: { mode: text } }),
    (text) => ({ permissions: { deny: [`${text}:`] } }),
    (text) => ({ limits: { maxSteps: text } }),
    (text) => ({ autoSummarize: text }),
    (text) => text,
  ];

  const everythingTold = (text: string, env: Record<string, string>): string => {
    const told: unknown[] = [];
    try {
      const file = parseConfigFile("config.json", text);
      for (const trusted of [true, false]) {
        const config = resolveConfig({ user: file, workspace: file, trusted, env });
        told.push(redact(config), config.warnings, config.secretVariables);
        findModel(config, { provider: "p", model: "missing" });
      }
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      told.push(error.message, error.data, String(error.stack));
    }
    return JSON.stringify(told);
  };

  test("in the environment is told nowhere", () => {
    const place = fc.constantFrom(...places);
    const reference = fc.constantFrom("$KEY", "Bearer $KEY", "$KEY$GONE");
    fc.assert(
      fc.property(secret, place, reference, (value, at, text) => {
        const told = everythingTold(JSON.stringify(at(text)), {
          KEY: value,
          OPENAI_API_KEY: value,
        });
        expect(told).not.toMatch(/ж|ᚠ|%D0|xn--/i);
      }),
      { numRuns: 500 },
    );
  });

  test("that stands in the file itself is told nowhere", () => {
    fc.assert(
      fc.property(secret, fc.constantFrom(...places), fc.boolean(), (text, at, isCut) => {
        const whole = JSON.stringify(at(isCut ? asValue(text) : text));
        const told = everythingTold(isCut ? whole.slice(0, -1) : whole, {});
        expect(told).not.toMatch(/ж|ᚠ|%D0|xn--/i);
      }),
      { numRuns: 500 },
    );
  });
});
