// Writes what is generated from the source: `npm run generate`. With `--check` it writes nothing
// and fails where a file is stale.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { systemClock } from "../src/base/clock.js";
import { randomIds } from "../src/base/ids.js";
import { protocolJsonSchema } from "../src/cli/schema.js";
import { configJsonSchema, configurationTable } from "../src/config/jsonSchema.js";
import { documentedTools } from "../src/engine/toolInfos.js";
import { thirdPartyNotices } from "./build/notices.mjs";
import { fillRegions, replaceBetween } from "./generate/markers.js";
import { protocolRegion } from "./generate/protocolSections.js";
import { toolsRegion } from "./generate/toolsRegion.js";

const builtInTools = documentedTools(systemClock, randomIds);

const files: Readonly<Record<string, () => string | Promise<string>>> = {
  "THIRD-PARTY-NOTICES": () => thirdPartyNotices(process.cwd()),
  "protocol.md": () =>
    fillRegions(readFileSync("protocol.md", "utf8"), (name) =>
      name === "built-in tools" ? toolsRegion(builtInTools) : protocolRegion(name),
    ),
  "docs/protocol.schema.generated.json": () => asJson(protocolJsonSchema(builtInTools)),
  "docs/configuration.md": () =>
    replaceBetween(
      readFileSync("docs/configuration.md", "utf8"),
      ["<!-- configuration-table:begin -->\n", "<!-- configuration-table:end -->"],
      configurationTable(),
    ),
  "docs/configuration.schema.generated.json": () => asJson(configJsonSchema()),
};

const isCheck = process.argv.includes("--check");
const stale: string[] = [];
for (const [path, generate] of Object.entries(files)) {
  const wanted = await generate();
  if (existsSync(path) && readFileSync(path, "utf8") === wanted) continue;
  if (!isCheck) writeFileSync(path, wanted);
  stale.push(path);
}

for (const path of stale) console.log(isCheck ? `${path} is stale` : `wrote ${path}`);
if (isCheck && stale.length > 0) {
  console.error("Run `npm run generate` and commit what it writes.");
  process.exitCode = 1;
}

/** One line for each definition: a difference shows where it is, and the package stays small. */
function asJson(schema: object): string {
  const { $defs, ...rest } = schema as { readonly $defs?: object };
  const line = ([name, value]: [string, unknown]) =>
    `${JSON.stringify(name)}: ${JSON.stringify(value)}`;
  const definitions = Object.entries($defs ?? {}).map((entry) => `    ${line(entry)}`);
  const lines = Object.entries(rest).map((entry) => `  ${line(entry)}`);
  if (definitions.length > 0) lines.push(`  "$defs": {\n${definitions.join(",\n")}\n  }`);
  return `{\n${lines.join(",\n")}\n}\n`;
}
