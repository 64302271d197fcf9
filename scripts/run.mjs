// Runs a script that is written in TypeScript: `node scripts/run.mjs scripts/generate.ts --check`.
// Node 20 cannot, so the script is bundled first; packages stay outside and come from node_modules.
import { mkdirSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const [script] = process.argv.splice(2, 1);
if (script === undefined) throw new Error("usage: node scripts/run.mjs SCRIPT.ts [ARGUMENT...]");

const folder = `${root}node_modules/.cache/turnwire`;
mkdirSync(folder, { recursive: true });
const outfile = `${folder}/${basename(script, ".ts")}.mjs`;
await build({
  absWorkingDir: root,
  entryPoints: [script],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  sourcemap: "inline",
  logLevel: "warning",
});
process.chdir(root);
await import(pathToFileURL(outfile).href);
