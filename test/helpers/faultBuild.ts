// A build of the server, apart from dist/, for one test file: with fault points, or as published.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A built server. */
export interface TestBuild {
  /** The folder of what was built. */
  readonly folder: string;
  /** The program. */
  readonly main: string;
  remove(): void;
}

/** Builds; takes about a second. Packages are found because it is below node_modules. */
export function buildServer(options: { faultPoints: boolean }): TestBuild {
  const cache = join(root, "node_modules", ".cache", "turnwire");
  mkdirSync(cache, { recursive: true });
  const home = mkdtempSync(join(cache, "crash-"));
  cpSync(join(root, "package.json"), join(home, "package.json"));
  const folder = join(home, "dist");
  execFileSync(
    process.execPath,
    [join(root, "scripts", "build.mjs"), ...(options.faultPoints ? ["--fault-points"] : [])],
    { cwd: root, env: { ...process.env, TURNWIRE_DIST: relative(root, folder), NOTYPES: "1" } },
  );
  return {
    folder,
    main: join(folder, "main.js"),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}
