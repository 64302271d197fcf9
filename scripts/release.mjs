// A step of `npm version`: puts what is unreleased under the new version's heading, and the version
// into the entry of the registry of ACP agents. With `--notes` it
// changes nothing and prints what the changelog says of the version.
import { readFileSync, writeFileSync } from "node:fs";
import { notesOf, released } from "./release/changelog.mjs";

const file = new URL("../CHANGELOG.md", import.meta.url);
const changelog = readFileSync(file, "utf8");
const about = readFileSync(new URL("../package.json", import.meta.url), "utf8");
const { version } = JSON.parse(about);

if (process.argv.includes("--notes")) {
  const notes = notesOf(changelog, version);
  if (notes === undefined) throw new Error(`CHANGELOG.md has no part for ${version}`);
  console.log(notes);
} else {
  writeFileSync(file, released(changelog, version));
  // The entry of the registry of ACP agents names the version that it starts.
  const entry = new URL("../packaging/acp/agent.json", import.meta.url);
  const agent = JSON.parse(readFileSync(entry, "utf8"));
  const npx = { ...agent.distribution.npx, package: `turnwire@${version}` };
  const next = { ...agent, version, distribution: { npx } };
  writeFileSync(entry, `${JSON.stringify(next, null, 2)}\n`);
}
