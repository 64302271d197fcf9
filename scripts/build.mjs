// Builds dist/: the server with its parts split off for loading when first needed, and the two
// library entries. Type declarations come from tsc.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { joinFiles } from "./build/joinedFiles.mjs";
import { ownCopy } from "./build/ownCopy.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Another name than `dist` serves whoever must not disturb who uses that one. */
const outdir = process.env.TURNWIRE_DIST ?? "dist";
// A quick build replaces without removing: servers that run still load their parts from it.
if (!process.env.NOTYPES) {
  rmSync(new URL(`../${outdir}`, import.meta.url), { recursive: true, force: true });
}

/** CommonJS dependencies that are bundled ask for `require`, which an ES module lacks. */
const requireBanner =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

/** A build for the crash suite can be killed at named points (src/base/faultPoint.ts). */
const hasFaultPoints = process.argv.includes("--fault-points");

const shared = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  target: "node20",
  outdir,
  sourcemap: true,
  sourcesContent: false,
  legalComments: "none",
  logLevel: "warning",
  define: { __FAULT_POINTS__: String(hasFaultPoints) },
  // Takes the calls of functions that are empty, as fault points are in a published build.
  minifySyntax: true,
  minifyWhitespace: true,
};

/** The server and the client library, each with parts that it loads when they are needed. */
const forNode = {
  platform: "node",
  // jsonc-parser's CommonJS form loads files by computed names, which a bundle lacks.
  mainFields: ["module", "main"],
  splitting: true,
  external: ["@photostructure/sqlite"],
  banner: { js: requireBanner },
  // These take in all of zod; the start of the server needs little of it.
  plugins: [
    ownCopy({
      importers: /[\\/]@ai-sdk[\\/]/,
      packages: ["zod"],
      // Nobody reads what these packages say of a provider's answer in any other language.
      contents: { "zod/v4/locales/index.js": 'export { default as en } from "./en.js";' },
    }),
  ],
};

const [server] = await Promise.all([
  build({
    ...shared,
    ...forNode,
    entryPoints: { main: "src/main.ts" },
    chunkNames: "chunks/[name]-[hash]",
    metafile: true,
  }),
  build({
    ...shared,
    ...forNode,
    entryPoints: { client: "src/client/index.ts" },
    chunkNames: "chunks/client/[name]-[hash]",
  }),
  build({
    ...shared,
    platform: "neutral",
    mainFields: ["module", "main"],
    entryPoints: { protocol: "src/protocol/index.ts" },
  }),
]);
await joinFiles({
  root,
  outdir,
  metafile: server.metafile,
  files: {
    "main.cjs": ["src/main.ts", "src/cli/serve.ts"],
    "log.cjs": ["node_modules/pino/pino.js"],
    "engine.cjs": ["src/engine/builtInEngine.ts"],
    "openaiCompatible.cjs": [
      "src/models/openaiCompatible.ts",
      "node_modules/@ai-sdk/openai-compatible/dist/index.mjs",
    ],
  },
});

const tsc = fileURLToPath(import.meta.resolve("typescript/package.json")).replace(
  /package\.json$/,
  "bin/tsc",
);
if (!process.env.NOTYPES)
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  });
