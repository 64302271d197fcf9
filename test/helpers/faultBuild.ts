// Builds of the server apart from dist/, for the tests that end it: with fault points, or as
// published. One run of the tests makes each once, where the first file needs it.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { compileAhead, runFolder } from "./runFolder.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A built server. */
export interface TestBuild {
  /** The folder of what was built. */
  readonly folder: string;
  /** The program. */
  readonly main: string;
  /** Says that this file needs it no more. It stays until the run of the tests is over. */
  remove(): void;
}

/** The build of this run of the tests; a few seconds where it is not there yet. */
export function buildServer(options: { faultPoints: boolean }): TestBuild {
  const home = join(runFolder(), options.faultPoints ? "fault-points" : "published");
  const folder = join(home, "dist");
  const main = join(folder, "main.js");
  if (!existsSync(home)) {
    buildAside(home, options);
    compileAhead(main, runFolder());
  }
  return { folder, main, remove() {} };
}

/** Built aside and moved: a file that asks at the same time finds a whole build, or makes one too. */
function buildAside(home: string, { faultPoints }: { faultPoints: boolean }): void {
  const aside = mkdtempSync(`${home}-`);
  cpSync(join(root, "package.json"), join(aside, "package.json"));
  execFileSync(
    process.execPath,
    [join(root, "scripts", "build.mjs"), ...(faultPoints ? ["--fault-points"] : [])],
    {
      cwd: root,
      env: { ...process.env, TURNWIRE_DIST: relative(root, join(aside, "dist")), NOTYPES: "1" },
    },
  );
  try {
    renameSync(aside, home);
  } catch (error) {
    // Another file was first.
    if (!existsSync(home)) throw error;
    rmSync(aside, { recursive: true, force: true });
  }
}
