// A server that is asked for a sandbox, and whether there can be one on this machine. Tests that need
// one are skipped where there cannot, and the reason is printed.

import { spawnSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { defined } from "../../src/base/defined.js";
import { makeFolder, startServer } from "./serverProcess.js";
import { openSession, type WireSession } from "./wireSession.js";

/** Whether bubblewrap works here; says why not. */
export function hasSandbox(): boolean {
  if (process.platform !== "linux") return false;
  const args = ["--ro-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--unshare-net", "true"];
  const { status, stderr, error } = spawnSync("bwrap", args, { encoding: "utf8" });
  if (status === 0) return true;
  console.warn(`skipped: no sandbox can be had here: ${error?.message ?? stderr.trim()}`);
  return false;
}

/** A new folder that is not below the temporary one, which every sandbox has for itself. */
export function makeOutside(): string {
  const folder = realpathSync(mkdtempSync("/var/tmp/turnwire-outside-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Opened {
  readonly session: WireSession;
  readonly path: string;
  /** Runs a command and gives what the model gets of it. */
  run(command: string, more?: object): Promise<string>;
}

export interface OpenOptions {
  readonly permissions: object;
  readonly path?: string;
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly config?: object;
  /** Prepares the workspace. */
  readonly prepare?: (path: string) => void;
}

/** What the server has in its environment, and nobody else may see. */
export const key = "a-key-of-the-server";

/** A server whose configuration asks for a sandbox, and which nobody answers questions. */
export async function openSandbox(options: OpenOptions): Promise<Opened> {
  const path = options.path ?? makeFolder();
  options.prepare?.(path);
  const configFile = options.configFile ?? join(makeFolder(), "config.json");
  const { permissions, config } = options;
  writeFileSync(configFile, JSON.stringify({ permissions, ...config }));
  const env = { TURNWIRE_CONFIG: configFile, MISTRAL_API_KEY: key, ...options.env };
  const { dataDir } = options;
  const server = startServer({ env, ...defined({ dataDir }) });
  await server.call("initialize", { clientId: "c", capabilities: { requestPermission: false } });
  const session = await openSession(server, { path, permissionMode: "ask" });
  let runs = 0;
  return {
    session,
    path,
    async run(command, more = {}) {
      runs += 1;
      const input = JSON.stringify({ command, ...more });
      await session.run(`@tool bash ${input}`, `r-${runs}`);
      const outputs = (await session.messages()).flatMap(({ parts }) =>
        parts.flatMap((part) => (part.type === "toolResult" ? [part.output] : [])),
      );
      return outputs.at(-1) ?? "";
    },
  };
}

/** The environment that names a configuration. */
export function configured(config: object) {
  const file = join(makeFolder(), "config.json");
  writeFileSync(file, JSON.stringify(config));
  return { TURNWIRE_CONFIG: file };
}
