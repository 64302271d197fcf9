// A folder of one run of the tests, for what its files share: builds of the server, and what V8
// compiled of them, which is half of the time that a server needs to start. It is below node_modules,
// where a build finds its packages.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { testNode } from "./testNode.js";

const variable = "TURNWIRE_TEST_RUN";

/** Makes the folder, and names it to the processes of the tests. */
export function makeRunFolder(): string {
  const caches = fileURLToPath(new URL("../../node_modules/.cache/turnwire/", import.meta.url));
  mkdirSync(caches, { recursive: true });
  const folder = mkdtempSync(join(caches, "run-"));
  process.env[variable] = folder;
  return folder;
}

/** The folder of this run. Throws outside of one. */
export function runFolder(): string {
  const folder = process.env[variable];
  if (folder === undefined) throw new Error("there is no run of the tests");
  return folder;
}

/**
 * The environment of a program that knows nothing of its user: a search path, a home, and the place
 * of what V8 compiled of the same program before.
 */
export function bareEnvironment(home: string): Readonly<Record<string, string | undefined>> {
  return { PATH: process.env.PATH, HOME: home, ...compiledEnvironment() };
}

/** Where a program finds what V8 compiled of it before. Empty outside of a run of the tests. */
export function compiledEnvironment(): Readonly<Record<string, string>> {
  const folder = process.env[variable];
  return folder === undefined ? {} : { XDG_CACHE_HOME: join(folder, "compiled") };
}

/**
 * Has V8 compile what a server needs for a run, and keep it: a server that is killed keeps nothing.
 * Where that does not succeed, the next starts take longer, and nothing else.
 */
export function compileAhead(main: string, folder: string): void {
  const home = mkdtempSync(join(folder, "home-"));
  const env = { ...bareEnvironment(home), XDG_STATE_HOME: home };
  const args = [main, "run", "--cwd", home, "@say It runs."];
  spawnSync(testNode, args, { cwd: home, stdio: "ignore", env });
  rmSync(home, { recursive: true, force: true });
}
