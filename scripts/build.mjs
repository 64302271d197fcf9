// Builds dist/: the server with its parts split off for loading when first needed, the programs of its
// threads, the library entries, and a file of type declarations for each of those.
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { writeDeclarations } from "./build/declarations.mjs";
import { libraryBuilds, pageBuild, serverBuild, threadBuild } from "./build/entries.mjs";
import { writeEsModule } from "./build/esModule.mjs";
import { joinFiles } from "./build/joinedFiles.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Another name than `dist` serves whoever must not disturb who uses that one. */
const outdir = process.env.TURNWIRE_DIST ?? "dist";
/** A quick build leaves the type declarations out, which nothing that runs needs. */
const isQuick = Boolean(process.env.NOTYPES);
// A quick build replaces without removing: servers that run still load their parts from it.
if (!isQuick) {
  rmSync(new URL(`../${outdir}`, import.meta.url), { recursive: true, force: true });
}

const hasFaultPoints = process.argv.includes("--fault-points");
const [server] = await Promise.all([
  build(serverBuild({ root, outdir, hasFaultPoints })),
  build(threadBuild({ root, outdir })),
  build(pageBuild({ root, outdir })),
  ...libraryBuilds({ root, outdir }).map((options) => build(options)),
]);
await joinFiles({
  root,
  outdir,
  metafile: server.metafile,
  files: {
    "main.cjs": ["src/main.ts", "src/cli/serve.ts"],
    "turn.cjs": ["src/coordinator/turnRunner.ts", "src/storage/indexNoted.ts"],
    "log.cjs": ["node_modules/pino/pino.js", "src/base/secretFields.ts"],
    "config.cjs": ["src/config/resolve.ts", "src/config/parse.ts"],
    "engine.cjs": [
      "src/engine/builtInEngine.ts",
      "src/process/treeEnding.ts",
      "src/process/workProcesses.ts",
    ],
    "openaiCompatible.cjs": [
      "src/models/openaiCompatible.ts",
      "node_modules/@ai-sdk/openai-compatible/dist/index.mjs",
    ],
  },
});
for (const entry of ["client", "testing"]) writeEsModule(entry, { root, outdir });
if (!isQuick) await writeDeclarations({ root, outdir });
