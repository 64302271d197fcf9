// Starts `storageProgram.ts`, built where its packages resolve.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));

export interface StorageProcess {
  readonly child: ChildProcess;
  /** The line that it says. */
  readonly line: string;
  kill(): Promise<void>;
}

/** Builds the program once; returns how to start it and how to take it away. */
export async function buildStorageProgram() {
  const folder = join(here, "../../node_modules/.cache");
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `storageProgram-${process.pid}.mjs`);
  await build({
    entryPoints: [join(here, "storageProgram.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "silent",
  });
  const children = new Set<ChildProcess>();
  return {
    async start(what: string, directory: string, ...more: string[]): Promise<StorageProcess> {
      const child = spawn(process.execPath, [outfile, what, directory, ...more], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      children.add(child);
      const lines = createInterface({ input: child.stdout });
      const [line] = await Promise.race([
        once(lines, "line"),
        once(child, "exit").then(([code]) => [`exit ${code}`]),
      ]);
      return {
        child,
        line: String(line),
        async kill() {
          const isOver = once(child, "exit");
          child.kill("SIGKILL");
          await isOver;
        },
      };
    },
    remove() {
      for (const child of children) child.kill("SIGKILL");
      rmSync(outfile, { force: true });
    },
  };
}
