// docs/providers.md: each of its blocks is loaded as a user's file, and each of its providers answers a
// turn, from a server on this machine that speaks as it does.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.js";
import { findModel } from "../../src/config/models.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { TestTurn } from "../helpers/agentTurn.js";
import { writeGoogleAccount } from "../helpers/googleAccount.js";
import { RawProvider } from "../helpers/rawProvider.js";
import { answerOf, wireFormats } from "../helpers/wireFormats.js";

const page = readFileSync(new URL("../../docs/providers.md", import.meta.url), "utf8");
const blocks = [...page.matchAll(/```jsonc\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
const types = new Set(
  blocks.flatMap((text) => [...text.matchAll(/"type": "([^"]+)"/g)].map(([, type]) => type)),
);

const folder = mkdtempSync(join(tmpdir(), "turnwire-providers-"));
afterAll(() => rmSync(folder, { recursive: true }));

let server: RawProvider;
beforeEach(async () => {
  server = await RawProvider.start();
});
afterEach(() => server.close());

test("every type that calls somebody has a block", () => {
  for (const { type } of wireFormats) expect(types).toContain(type);
});

describe.each(blocks)("block %#", (text) => {
  test("loads without a warning, and each of its models answers", async () => {
    const file = join(folder, "config.json");
    writeFileSync(file, text);
    const named = [...text.matchAll(/\$([A-Z][A-Z_]+)/g)].map(([, name]) => [name, "value-0123"]);
    const config = await loadConfig({
      workspacePath: folder,
      trusted: false,
      env: {
        ANTHROPIC_API_KEY: "a-0123456",
        OPENAI_API_KEY: "o-0123456",
        GEMINI_API_KEY: "g-0123456",
        ...Object.fromEntries(named),
        TURNWIRE_CONFIG: file,
      },
    });
    expect(config.warnings).toEqual([]);
    const { large, small } = config.models;
    for (const chosen of [large, small])
      expect(findModel(config, chosen).model.id).toBe(chosen.model);
    const configured = [...config.providers.values()].filter(({ type }) => type !== "offline");
    expect(configured.length).toBeGreaterThan(0);
    for (const provider of configured) {
      expect(provider.models.length).toBeGreaterThan(0);
      for (const model of provider.models) {
        expect(model.contextWindow).toBeGreaterThan(0);
        const isClaude = provider.type === "vertex" && model.id.startsWith("claude");
        const format = wireFormats.find(
          ({ type }) => type === (isClaude ? "anthropic" : provider.type),
        );
        if (format === undefined) throw new Error(provider.type);
        server.usual = answerOf(format, { text: ["It ", "works."] });
        const here = { ...provider, baseUrl: `${server.origin}${format.path}` };
        const called = await createLanguageModel(
          { ...here, ...accountOf(provider.type, isClaude) },
          model,
        );
        const outcome = await new TestTurn().run(called, {}, model);
        expect(outcome).toMatchObject({ status: "succeeded", text: "It works." });
      }
    }
  });
});

/** Somebody who calls, in the place of whoever reads the page. */
function accountOf(type: string, isClaude: boolean) {
  if (isClaude) return { googleCloud: googleAccount() };
  return ["azure", "bedrock", "vertex"].includes(type) ? { apiKey: "key-0123456789" } : {};
}

function googleAccount() {
  server.enqueue({
    body: JSON.stringify({
      access_token: "token-0123456789",
      expires_in: 3600,
      token_type: "Bearer",
    }),
    headers: { "content-type": "application/json" },
  });
  const credentialsFile = writeGoogleAccount(folder, `${server.origin}/token`);
  return { location: "global", project: "p", credentialsFile, isNamed: true, usesOwn: true };
}
