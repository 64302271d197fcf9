// Before the tests: sees to it that the build is newer than every source, so that what the
// end-to-end tests spawn is what the sources say. A clean install has built it already. Makes the
// folder of this run of the tests too, and removes it after them.
//
// `TURNWIRE_DIST` names another folder beside `dist`, for whoever must not disturb who uses that one.
import { execFileSync } from "node:child_process";
import { readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { compileAhead, makeRunFolder } from "./runFolder.js";

declare module "vitest" {
  interface ProvidedContext {
    /** The script that starts the server. */
    serverScript: string;
    /** Why there is no build of these sources; empty where there is one. */
    buildError: string;
  }
}

const root = fileURLToPath(new URL("../..", import.meta.url));

export default function buildOnce({ provide }: TestProject): () => void {
  const dist = process.env.TURNWIRE_DIST;
  const main = join(root, dist ?? "dist", "main.js");
  const script = dist === undefined ? join(root, "bin/turnwire.js") : main;
  provide("serverScript", script);
  const buildError = isFresh(main) ? "" : build(main);
  provide("buildError", buildError);
  const folder = makeRunFolder();
  if (buildError === "") compileAhead(script, folder);
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

function isFresh(main: string): boolean {
  const built = modifiedAt(main);
  const sources = ["src", "scripts/build"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((path) =>
      join(folder, path),
    ),
  );
  return ["scripts/build.mjs", "package.json", ...sources].every(
    (path) => modifiedAt(join(root, path)) <= built,
  );
}

function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Builds without the type declarations, which nothing that is spawned needs. */
function build(main: string): string {
  const begun = new Date();
  try {
    const env = { ...process.env, NOTYPES: "1" };
    execFileSync(process.execPath, [join(root, "scripts/build.mjs")], { env, stdio: "pipe" });
    utimesSync(main, begun, begun);
    return "";
  } catch (error) {
    // Tests that need no build still run; those that do fail with this.
    return error instanceof Error ? error.message : String(error);
  }
}
