// The types that generators of code make of the JSON Schema: they compile, and have usable names.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";
import { InputData, JSONSchemaInput, type LanguageName, quicktype } from "quicktype-core";
import { afterAll, describe, expect, it } from "vitest";
import { protocolJsonSchema } from "../../src/cli/schema.js";
import { unless } from "../helpers/unless.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "turnwire-types-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const schema = protocolJsonSchema();
const wanted = ["SendMessageParams", "SendMessageRequest", "RunComplete", "Session", "Message"];

function isMissing(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return false;
  } catch {
    return true;
  }
}

/** What a generator for many languages makes of every definition. */
async function generate(lang: LanguageName): Promise<string> {
  const input = new JSONSchemaInput(undefined);
  await input.addSource({
    name: "Protocol",
    schema: JSON.stringify(schema),
    uris: Object.keys(schema.$defs).map((id) => `#/$defs/${id}`),
  });
  const inputData = new InputData();
  inputData.addInput(input);
  const { lines } = await quicktype({ inputData, lang, rendererOptions: { package: "turnwire" } });
  return lines.join("\n");
}

describe("the types that are generated", () => {
  it("in TypeScript compile, and tell frames apart by their method", async () => {
    const types = await compile(structuredClone(schema) as object, "Protocol", {
      bannerComment: "",
      format: false,
      // Fields may be added to the protocol; types that say so cannot be told apart by a member.
      additionalProperties: false,
    });
    for (const name of wanted) expect(types).toMatch(new RegExp(`^export interface ${name} `, "m"));
    const file = join(folder, "types.ts");
    const uses = `
      export function textOf(frame: ServerFrame): string | undefined {
        if (!("method" in frame) || frame.method !== "runComplete") return undefined;
        return frame.params?.text;
      }`;
    writeFileSync(file, `${types}\n${uses}`);
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const options = ["--noEmit", "--strict", "--target", "es2022", "--types", "", file];
    execFileSync(process.execPath, [tsc, ...options], { cwd: folder, stdio: "pipe" });
  });

  unless(
    it,
    isMissing("python3", "--version"),
    "there is no Python here",
  )("in Python compile", async () => {
    const types = await generate("python");
    for (const name of wanted) expect(types).toMatch(new RegExp(`^class ${name}:`, "m"));
    const file = join(folder, "types_of_protocol.py");
    writeFileSync(file, types);
    execFileSync("python3", ["-m", "py_compile", file], { stdio: "pipe" });
  });

  it("in Go have the names of the definitions", async () => {
    const types = await generate("go");
    for (const name of wanted) expect(types).toMatch(new RegExp(`^type ${name} struct`, "m"));
  });

  unless(
    it,
    isMissing("go", "version"),
    "there is no Go",
  )("in Go compile", async () => {
    const file = join(folder, "types.go");
    writeFileSync(file, await generate("go"));
    execFileSync("go", ["vet", file], {
      env: { ...process.env, GOCACHE: join(folder, "cache") },
    });
  });
});
