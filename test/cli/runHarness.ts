// `turnwire run` in this process, with streams that the test holds and a real server as its child.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { type Clock, systemClock } from "../../src/base/clock.js";
import { runCommand } from "../../src/cli/run.js";
import type { RunCommandOptions } from "../../src/cli/runOptions.js";
import { compiledEnvironment } from "../helpers/runFolder.js";

export const launcher = fileURLToPath(new URL("../../bin/turnwire.js", import.meta.url));

/** An environment in which no model but the offline one is configured. */
export function offlineEnvironment(folder: string): Record<string, string> {
  return {
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    XDG_STATE_HOME: folder,
    ...compiledEnvironment(),
    NO_COLOR: "1",
    ANTHROPIC_API_KEY: "",
    OPENAI_API_KEY: "",
    GEMINI_API_KEY: "",
  };
}

export interface Harness {
  readonly folder: string;
  readonly stdin: PassThrough & { isTTY?: boolean };
  readonly stdout: PassThrough;
  stdoutText(): string;
  stderrText(): string;
  /** Resolves when what stands on stderr matches. */
  stderrShows(pattern: RegExp): Promise<void>;
  stdoutShows(pattern: RegExp): Promise<void>;
  /** Ctrl-C. */
  interrupt(): void;
  /** How many still listen for an interrupt. */
  interruptListeners(): number;
  run(options: Partial<RunCommandOptions>, clock?: Clock): Promise<number>;
  remove(): void;
}

export function createHarness({ isTerminal = false, serverArgs = ["serve"] } = {}): Harness {
  const folder = mkdtempSync(join(tmpdir(), "turnwire-run-"));
  const stdin: Harness["stdin"] = new PassThrough();
  stdin.isTTY = isTerminal;
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const out = collect(stdout);
  const error = collect(stderr);
  const interrupts = new Set<() => void>();
  return {
    folder,
    stdin,
    stdout,
    stdoutText: () => out.text(),
    stderrText: () => error.text(),
    stdoutShows: (pattern) => out.shows(pattern),
    stderrShows: (pattern) => error.shows(pattern),
    interrupt() {
      for (const callback of interrupts) callback();
    },
    interruptListeners: () => interrupts.size,
    run(options, clock = systemClock) {
      return runCommand(
        { output: "text", prompt: "", dataDir: join(folder, "data"), ...options },
        {
          stdin,
          stdout,
          stderr,
          isStderrTty: isTerminal,
          resolvePath: (path) => resolve(folder, path),
          env: offlineEnvironment(folder),
          serverCommand: { file: process.execPath, args: [launcher, ...serverArgs] },
          onInterrupt(callback) {
            interrupts.add(callback);
            return () => interrupts.delete(callback);
          },
        },
        clock,
      );
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function collect(stream: PassThrough) {
  let text = "";
  let check = () => {};
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    check();
  });
  return {
    text: () => text,
    shows: (pattern: RegExp) =>
      new Promise<void>((resolve) => {
        check = () => {
          if (pattern.test(text)) resolve();
        };
        check();
      }),
  };
}
