// What is bundled, and what stays outside: the server, whose parts are loaded when first needed, the
// programs of its threads, and the two library entries, each as an ES module and in CommonJS.
//
// A package that is external here is one of `dependencies`; what is bundled is one of
// `devDependencies`, and its licence is in THIRD-PARTY-NOTICES.
import { lateJsonSchema } from "./lateJsonSchema.mjs";
import { leftOut } from "./leftOut.mjs";
import { oneCopy } from "./oneCopy.mjs";
import { ownCopy } from "./ownCopy.mjs";
import { ownUtils } from "./ownUtils.mjs";
import { shortLocals, shortNames } from "./shortNames.mjs";

/**
 * What the server loads from node_modules: the database, which has a compiled part. What else it uses
 * is bundled. Loaded from node_modules instead, `pino` costs a start 13 % of its processor time, and
 * `execa` a `turnwire run` 16 %: they are many small files.
 */
export const serverExternal = ["@photostructure/sqlite"];

/** What a user of the library may hold as well, and must then be the very same. */
const libraryExternal = ["vscode-jsonrpc", "zod"];

/** CommonJS dependencies that are bundled ask for `require`, which an ES module lacks. */
const requireBanner =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

/** In CommonJS there is no `import.meta.url`; what asks for it gets this constant instead. */
export const moduleUrlBanner =
  'const __moduleUrl = require("node:url").pathToFileURL(__filename).href;';

/** Packages whose own names need not be readable, and which do nothing with them. */
const shortened = [
  "rotating-file-stream",
  "zod",
  "vscode-jsonrpc",
  "jsonc-parser",
  "undici",
  "@ai-sdk",
  "@modelcontextprotocol",
  "@agentclientprotocol",
  "execa",
  "get-stream",
  "figures",
  "human-signals",
  "@sindresorhus",
  "pretty-ms",
  "signal-exit",
  "pino",
  "unbash",
  "diff",
  "commander",
  "markdansi",
  "micromark",
  "mdast",
  "@smithy",
  "@aws-sdk",
  "google-auth-library",
  "gaxios",
  "gcp-metadata",
  "yaml",
  "marked",
  "bowser",
  "bignumber.js",
  "character-entities",
  "jose",
  "ignore",
  "cross-spawn",
  "string-width",
  "@nats-io",
  "pg",
  "pg-[a-z-]+",
  "postgres-[a-z]+",
];

const shared = {
  bundle: true,
  target: "node20",
  legalComments: "none",
  logLevel: "warning",
  // Takes the calls of functions that are empty, as fault points are in a published build.
  minifySyntax: true,
  minifyWhitespace: true,
  metafile: true,
};

/**
 * The build of the server, for esbuild. A build with `hasFaultPoints` can be killed at named points
 * by the crash suite (src/base/faultPoint.ts).
 */
export function serverBuild({ root, outdir, hasFaultPoints = false }) {
  return {
    ...shared,
    absWorkingDir: root,
    outdir,
    entryPoints: { main: "src/main.ts" },
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    splitting: true,
    platform: "node",
    // jsonc-parser's CommonJS form loads files by computed names, which a bundle lacks.
    mainFields: ["module", "main"],
    external: serverExternal,
    alias: {
      "@modelcontextprotocol/client/_shims": "./scripts/build/mcpShims.mjs",
      tweetnacl: "./scripts/build/ed25519.cjs",
      "pg-pool": "./scripts/build/noPool.cjs",
      "vscode-jsonrpc/node": "./scripts/build/jsonrpcNode.cjs",
      "node-fetch": "./scripts/build/nodeFetch.mjs",
    },
    banner: { js: requireBanner },
    define: {
      __FAULT_POINTS__: String(hasFaultPoints),
      // AWS's library warns on stderr of the Node on which it runs otherwise.
      "process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": '"true"',
      // No other driver of Postgres is here.
      "process.env.NODE_PG_FORCE_NATIVE": '""',
    },
    // The second: these take in all of zod; the start of the server needs little of it.
    plugins: [
      oneCopy(),
      leftOut({
        package: "@nats-io",
        files: /[\\/](bench|ws_transport|pushconsumer|curve|denobuffer)\.js$/,
      }),
      leftOut({ package: "pg", files: /[\\/]lib[\\/]native[\\/]/ }),
      // Nobody asks for its cache, cookies, retries, redirects, HTTP/2, forms, hashes of scripts, or SOCKS
      // (an error of ours). Its parser without SIMD is for processors for which the database has no build.
      leftOut({
        package: "undici",
        files:
          /[\\/]lib[\\/](mock[\\/]|cache[\\/]|interceptor[\\/]|api[\\/]api-(pipeline|stream|upgrade)|handler[\\/](cache|dedup|retry|redirect)|dispatcher[\\/](socks5|retry|balanced|round-robin|env-http|h2c|client-h2)|core[\\/]socks5|web[\\/](cache[\\/]cache\.js|cookies|websocket|eventsource|subresource|fetch[\\/]formdata-parser)|llhttp[\\/]llhttp-wasm\.js)/,
      }),
      shortLocals(),
      lateJsonSchema(),
      ownUtils({ root }),
      shortNames({ packages: shortened }),
      ownCopy({
        importers: /[\\/]@ai-sdk[\\/]/,
        packages: ["zod"],
        // Nobody reads what these packages say of a provider's answer in any other language.
        contents: {
          "zod/v4/locales/index.js": 'export { default as en } from "./en.js";',
          // They use its names of kinds alone, each of which is its own value.
          "zod/v3/index.js":
            "export const ZodFirstPartyTypeKind = new Proxy({}, { get: (_, name) => name });",
        },
      }),
    ],
  };
}

/** The build of the programs that the server runs in threads and processes: each is one file, started by its path. */
export function threadBuild({ root, outdir }) {
  return {
    ...shared,
    absWorkingDir: root,
    outdir,
    entryPoints: {
      pageConverter: "src/tools/web/pageConverter.mjs",
      outputChecker: "src/engine/output/outputChecker.mjs",
      pdfReader: "src/tools/files/pdfReader.mjs",
      workProcess: "src/process/workProcess.mjs",
      inspector: "src/inspector/inspectorThread.ts",
    },
    outExtension: { ".js": ".mjs" },
    format: "esm",
    platform: "node",
    mainFields: ["module", "main"],
    banner: { js: requireBanner },
    // Nearly all of it is packages'; what is ours says itself what is wrong.
    minifyIdentifiers: true,
    // The inspector reads completions.
    external: serverExternal,
    // The reader of PDFs comes with short names.
    plugins: [shortNames({ packages: ["ajv", "@mixmark-io"] })],
  };
}

/** The build of the inspector's page: a script and its styles, which a browser loads. */
export function pageBuild({ root, outdir }) {
  return {
    ...shared,
    absWorkingDir: root,
    outdir,
    entryPoints: { inspectorPage: "src/inspector/page/main.tsx" },
    format: "iife",
    platform: "browser",
    // What `light-dark` of its styles needs.
    target: ["chrome123", "firefox120", "safari17.5"],
    jsx: "automatic",
    jsxImportSource: "preact",
    minifyIdentifiers: true,
  };
}

/** Takes another entry from its own file beside this one: there is one of each class. */
function besides(entry) {
  return {
    name: "besides",
    setup({ onResolve }) {
      onResolve({ filter: new RegExp(`/${entry}/index\\.js$`) }, () => {
        return { path: `./${entry}.cjs`, external: true };
      });
    },
  };
}

/**
 * The builds of `turnwire/client`, which needs Node, and of `turnwire/protocol`, which does not.
 *
 * The client, and `turnwire/testing` with it, is built in CommonJS alone, and an ES module hands
 * that on (`writeEsModule`). So there
 * is one client in a program that uses both, and nothing in it asks for `import.meta`, which bundlers
 * leave empty.
 */
export function libraryBuilds({ root, outdir }) {
  const library = {
    ...shared,
    absWorkingDir: root,
    outdir,
    external: libraryExternal,
    define: { __FAULT_POINTS__: "false" },
  };
  const client = {
    ...library,
    entryPoints: { client: "src/client/index.ts" },
    platform: "node",
    plugins: [shortLocals(), shortNames({ packages: shortened })],
  };
  const protocol = {
    ...library,
    entryPoints: { protocol: "src/protocol/index.ts" },
    platform: "neutral",
  };
  const commonJs = { format: "cjs", outExtension: { ".js": ".cjs" } };
  const testing = {
    ...client,
    entryPoints: { testing: "src/testing/index.ts" },
    plugins: [...client.plugins, besides("client")],
  };
  return [
    { ...client, ...commonJs },
    { ...testing, ...commonJs },
    { ...protocol, format: "esm" },
    { ...protocol, ...commonJs },
  ];
}
