// The command line as a person starts it: a process of its own over a folder that the test holds.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launcher, offlineEnvironment } from "./runHarness.js";

export interface Launched {
  readonly folder: string;
  /** Runs it in the folder; without a terminal. */
  run(
    argv: readonly string[],
    more?: { env?: Record<string, string>; input?: string },
  ): { status: number | null; stdout: string; stderr: string };
  remove(): void;
}

export function launch(): Launched {
  const folder = mkdtempSync(join(tmpdir(), "turnwire-cli-"));
  return {
    folder,
    run(argv, { env, input = "" } = {}) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...argv], {
        cwd: folder,
        env: { ...process.env, TURNWIRE_CONFIG: "", ...offlineEnvironment(folder), ...env },
        encoding: "utf8",
        input,
        timeout: 120_000,
      });
      return { status, stdout, stderr };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
