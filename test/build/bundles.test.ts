// The library inside the programs of others: bundled in the ways in which extensions are, and run with
// the package among the program's own.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import commonjsModule from "@rollup/plugin-commonjs";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { build as esbuild } from "esbuild";
import { rolldown } from "rolldown";
import { type Plugin, rollup } from "rollup";
import { build as vite } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import webpack from "webpack";
import { testNode } from "../helpers/testNode.js";

// Its types are those of its CommonJS form, whatever imports it.
const commonjs = commonjsModule as unknown as () => Plugin;
const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

const source = `
import { findServer, TurnwireClient } from "turnwire/client";

async function main() {
  const [, , place] = process.argv;
  const client = await TurnwireClient.spawn({ dataDir: place + "/data" });
  try {
    const { id: workspaceId } = await client.api.createWorkspace({ path: place, initAgent: true });
    const { id: sessionId } = await client.api.createSession({ workspaceId });
    const prompt = "@say It is bundled.";
    const { status, text } = await client.run({ workspaceId, sessionId, prompt });
    return { status, text, server: findServer() };
  } finally {
    await client.close();
  }
}
main().catch((error) => ({ error: String(error) })).then((said) => console.log(JSON.stringify(said)));
`;

let folder: string;
let entry: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "turnwire-bundles-"));
  // The program as it is shipped: its bundle, and the package beside it.
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules", "turnwire"), "junction");
  writeFileSync(join(folder, "package.json"), '{"name":"program","private":true}');
  entry = join(folder, "program.mjs");
  writeFileSync(entry, source);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the bundle says in the end. */
async function play(
  bundle: string,
  env: Readonly<Record<string, string>> = {},
  nodeArgs: readonly string[] = [],
) {
  const place = mkdtempSync(join(folder, "place-"));
  const { stdout } = await run(testNode, [...nodeArgs, bundle, place], {
    cwd: place,
    // No configuration of whoever runs the tests.
    env: { ...process.env, HOME: place, XDG_CONFIG_HOME: "", APPDATA: place, ...env },
    timeout: 120_000,
  });
  return JSON.parse(stdout);
}

const works = { status: "succeeded", text: "It is bundled." };

/** Each bundler writes `file`, and gives its warnings. */
const bundlers: Readonly<Record<string, (file: string) => Promise<readonly string[]>>> = {
  "esbuild.cjs": async (file) => warningsOf(await bundleByEsbuild(file, "cjs")),
  "esbuild.mjs": async (file) => warningsOf(await bundleByEsbuild(file, "esm")),
  "rolldown.cjs": (file) => bundleByRolldown(file, "cjs"),
  "rolldown.mjs": (file) => bundleByRolldown(file, "es"),
  "rollup.mjs": bundleByRollup,
  "webpack.cjs": bundleByWebpack,
  "vite.mjs": bundleByVite,
};

function bundleByEsbuild(outfile: string, format: "cjs" | "esm") {
  const options = { bundle: true, platform: "node", logLevel: "silent" } as const;
  // What every program needs that esbuild makes an ES module of CommonJS packages.
  const js =
    'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';
  const banner = format === "esm" ? { js } : {};
  return esbuild({ ...options, entryPoints: [entry], outfile, format, banner });
}

function warningsOf({ warnings }: Awaited<ReturnType<typeof bundleByEsbuild>>): string[] {
  return warnings.map(({ text }) => text);
}

async function bundleByRolldown(file: string, format: "cjs" | "es"): Promise<string[]> {
  const warnings: string[] = [];
  const onLog = (_: string, { message }: { message: string }) => warnings.push(message);
  const bundle = await rolldown({ input: entry, platform: "node", onLog });
  await bundle.write({ file, format, codeSplitting: false });
  await bundle.close();
  return warnings;
}

const foreign = ["CIRCULAR_DEPENDENCY", "THIS_IS_UNDEFINED", "INVALID_ANNOTATION"];

async function bundleByRollup(file: string): Promise<string[]> {
  const warnings: string[] = [];
  const bundle = await rollup({
    input: entry,
    external: /^node:/,
    plugins: [nodeResolve({ preferBuiltins: true, exportConditions: ["node"] }), commonjs()],
    // What zod and vscode-jsonrpc do is theirs.
    onLog: (_, { code, message }) => {
      if (!foreign.includes(code ?? "")) warnings.push(message);
    },
  });
  await bundle.write({ file, format: "es", inlineDynamicImports: true });
  await bundle.close();
  return warnings;
}

async function bundleByWebpack(file: string): Promise<string[]> {
  const compiler = webpack({
    mode: "production",
    target: "node20",
    context: folder,
    entry,
    output: { path: folder, filename: "webpack.cjs", libraryTarget: "commonjs2" },
    optimization: { minimize: false },
  });
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  expect(file).toBe(join(folder, "webpack.cjs"));
  return (stats?.toJson().warnings ?? []).map(({ message }) => message);
}

async function bundleByVite(file: string): Promise<string[]> {
  await vite({
    root: folder,
    configFile: false,
    logLevel: "silent",
    ssr: { noExternal: true },
    build: {
      ssr: entry,
      outDir: folder,
      emptyOutDir: false,
      rollupOptions: { output: { entryFileNames: "vite.mjs" } },
    },
  });
  expect(file).toBe(join(folder, "vite.mjs"));
  return [];
}

describe.each(Object.entries(bundlers))("a bundle as %s", (name, bundle) => {
  it("is made without a warning, and starts the server that lies beside it", async () => {
    const file = join(folder, name);
    expect(await bundle(file)).toEqual([]);
    const said = await play(file);
    expect(said).toMatchObject(works);
    expect(said.server).toBe(join(root, "bin", "turnwire.js"));
  });
});

describe("a bundle in another program than Node", () => {
  // What tells Electron apart is a version that it adds to those of Node.
  const inElectron = [
    "--import",
    'data:text/javascript,Object.defineProperty(process.versions,"electron",{value:"35.0.0"})',
  ];
  const bundle = async () => {
    const file = join(folder, "electron.cjs");
    await bundleByEsbuild(file, "cjs");
    return file;
  };
  const unset = { ELECTRON_RUN_AS_NODE: "", VSCODE_PID: "" };

  it("says in Electron that its program is no Node, and what to do", async () => {
    const { error } = await play(await bundle(), unset, inElectron);
    expect(error).toContain("runs in Electron");
    expect(error).toContain("`nodePath`");
    expect(error).toContain("ELECTRON_RUN_AS_NODE");
  });

  it("starts the server where Electron was told to be a Node", async () => {
    const env = { ...unset, ELECTRON_RUN_AS_NODE: "1" };
    expect(await play(await bundle(), env, inElectron)).toMatchObject(works);
  });

  it("tells VS Code's Electron to be a Node by itself", async () => {
    const inVsCode = { ...unset, VSCODE_PID: String(process.pid) };
    expect(await play(await bundle(), inVsCode, inElectron)).toMatchObject(works);
  });
});
