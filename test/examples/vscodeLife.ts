// The example extension for VS Code: bundled as its README says, and run in plain Node with a stand-in
// for the editor.
import { execFile } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { expect } from "vitest";
import { testNode } from "../helpers/testNode.js";
import type { Sandbox } from "./sandbox.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const example = join(root, "examples/clients/vscode");

/** Where the extension is in the sandbox. */
export function extensionIn({ folder }: Sandbox): string {
  return join(folder, "extension");
}

/** Puts the extension into the sandbox. */
export async function installInVscode(sandbox: Sandbox): Promise<void> {
  const extension = extensionIn(sandbox);
  mkdirSync(join(extension, "node_modules/vscode"), { recursive: true });
  symlinkSync(root, join(extension, "node_modules/turnwire"), "junction");
  copyFileSync(
    join(root, "test/examples/vscodeStandIn.cjs"),
    join(extension, "node_modules/vscode/index.js"),
  );
  cpSync(join(example, "src"), join(extension, "src"), { recursive: true });
  copyFileSync(join(example, "package.json"), join(extension, "package.json"));
  await bundle(extension);
}

/** Does what the script `build` of the extension says. */
async function bundle(extension: string): Promise<void> {
  const { scripts } = JSON.parse(readFileSync(join(example, "package.json"), "utf8"));
  const flags = new Map(
    [...scripts.build.matchAll(/--([\w:]+)(?:=(\S+))?/g)].map(([, name, value]) => [name, value]),
  );
  expect([...flags.keys()].sort()).toEqual(
    ["bundle", "external:vscode", "format", "outfile", "platform", "target"].sort(),
  );
  const { warnings } = await build({
    absWorkingDir: extension,
    entryPoints: ["src/extension.ts"],
    bundle: true,
    platform: flags.get("platform"),
    target: flags.get("target"),
    format: flags.get("format"),
    external: ["vscode"],
    outfile: flags.get("outfile"),
    logLevel: "silent",
  });
  expect(warnings).toEqual([]);
}

/** One life of a window: `code` runs between the start of the extension and its end. */
export async function liveInVscode(
  sandbox: Sandbox,
  code: string,
  nodeArgs: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
) {
  const extension = extensionIn(sandbox);
  const program = join(extension, "window.cjs");
  writeFileSync(
    program,
    `const vscode = require("vscode");
     const { seen, user, tabs, commands, contextOf, chat } = vscode.standIn;
     const extension = require("./dist/extension.cjs");
     const context = contextOf(${JSON.stringify(join(extension, "state.json"))});
     const until = async (isTrue) => {
       for (let n = 0; n < 4000 && !isTrue(); n++) await new Promise((wake) => setTimeout(wake, 20));
     };
     const end = async () => {
       await extension.deactivate();
       for (const each of context.subscriptions) each.dispose();
     };
     (async () => {
       await extension.activate(context);
       ${code}
     })().catch((error) => { console.log("error: " + error.stack); process.exit(1); });`,
  );
  const { stdout } = await run(testNode, [...nodeArgs, program], {
    cwd: sandbox.folder,
    env: { ...sandbox.env, ...env },
    timeout: 120_000,
  });
  return JSON.parse(stdout);
}
