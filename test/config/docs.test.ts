import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { usualKeyVariables } from "../../src/config/defaults.js";
import { configJsonSchema, configurationTable } from "../../src/config/jsonSchema.js";
import { loadConfig } from "../../src/config/load.js";
import { findModel } from "../../src/config/models.js";

const docs = new URL("../../docs/", import.meta.url);
const page = readFileSync(new URL("configuration.md", docs), "utf8");
const folder = mkdtempSync(join(tmpdir(), "turnwire-docs-"));
afterAll(() => rmSync(folder, { recursive: true }));

// Turnwire's own variables have forms of their own.
const env = Object.fromEntries(
  [...page.matchAll(/\$\{?([A-Z][A-Z_]+)/g)]
    .filter(([, name = ""]) => !name.startsWith("TURNWIRE_"))
    .map(([, name = ""]) => [name, "value"]),
);

describe("docs/configuration.md", () => {
  test("carries the table that the schema gives", () => {
    const [, table] =
      /<!-- configuration-table:begin -->\n([\s\S]*)<!-- configuration-table:end -->/.exec(page) ??
      [];
    expect(table).toBe(configurationTable());
  });

  test("names every variable that is read without being configured", () => {
    for (const variable of usualKeyVariables.values()) expect(page).toContain(`\`${variable}\``);
  });

  const blocks = [...page.matchAll(/```jsonc\n([\s\S]*?)```/g)].map(([, text = ""]) => text);

  test("has examples", () => expect(blocks.length).toBeGreaterThan(8));

  test.each(blocks)("example %# loads without a warning, and its model is there", async (text) => {
    const isOfWorkspace = text.startsWith("// turnwire.json");
    const userText = '{"providers": {"anthropic": {"type": "anthropic"}}}';
    writeFileSync(join(folder, "config.json"), isOfWorkspace ? userText : text);
    writeFileSync(join(folder, "turnwire.json"), isOfWorkspace ? text : "{}");
    const config = await loadConfig({
      workspacePath: folder,
      trusted: false,
      env: { ...env, TURNWIRE_CONFIG: join(folder, "config.json") },
    });
    expect(config.warnings).toEqual([]);
    expect(findModel(config, config.models.large).model.id).toBe(config.models.large.model);
    expect(findModel(config, config.models.small).model.id).toBe(config.models.small.model);
  });
});

test("docs/configuration.schema.generated.json is the schema", () => {
  const text = readFileSync(new URL("configuration.schema.generated.json", docs), "utf8");
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
});
