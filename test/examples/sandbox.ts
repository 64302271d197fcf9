// Runs a program the way a reader would: in a folder of its own that has this package installed,
// with no model configured.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { compiledEnvironment } from "../helpers/runFolder.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Sandbox {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Runs a script and resolves with its stdout; rejects where it fails. */
  run(script: string): Promise<string>;
  /** The same for a module's text. */
  runCode(code: string, ending?: "mjs" | "cjs"): Promise<string>;
  /** Removes the folder. */
  remove(): Promise<void>;
}

export function createSandbox(): Sandbox {
  const folder = mkdtempSync(join(tmpdir(), "turnwire-example-"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules", "turnwire"), "dir");
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    XDG_STATE_HOME: join(folder, "state"),
    ...compiledEnvironment(),
    ANTHROPIC_API_KEY: "",
    OPENAI_API_KEY: "",
    GEMINI_API_KEY: "",
    TURNWIRE_CONFIG: "",
  };
  const run = (script: string) =>
    new Promise<string>((resolve, reject) => {
      execFile(process.execPath, [script], { cwd: folder, env }, (error, stdout) => {
        if (error) reject(error);
        else resolve(stdout);
      });
    });
  return {
    folder,
    env,
    run,
    runCode(code, ending = "mjs") {
      const script = join(folder, `program.${ending}`);
      writeFileSync(script, code);
      return run(script);
    },
    remove: () => removeFolder(folder),
  };
}

/** A server that has lost its client may still be writing: then it is tried again, for 10 seconds. */
async function removeFolder(folder: string): Promise<void> {
  for (let left = 100; ; left--) {
    try {
      rmSync(folder, { recursive: true, force: true });
      return;
    } catch (error) {
      if (left === 0) throw error;
      await sleep(100);
    }
  }
}
