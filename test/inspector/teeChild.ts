// `turnwire inspect -- COMMAND` as a child behind real pipes.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import type { Entry, RecordingHeader } from "../../src/inspector/entries.js";

const server = fileURLToPath(new URL("teeServer.mjs", import.meta.url));

export interface TeeChild {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** What it has written so far. */
  stdout(): Buffer;
  stderr(): string;
  /** Resolves when stdout has this text. */
  said(text: string): Promise<void>;
}

/** Starts a tee with these options before a command. */
export function startTee(
  options: readonly string[],
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): TeeChild {
  const args = [inject("serverScript"), "inspect", "--no-page", ...options, "--", ...command];
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, HOME: "/nonexistent", ...env },
  });
  const out: Buffer[] = [];
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  child.stdin.on("error", () => {});
  const stdout = () => Buffer.concat(out);
  return {
    child,
    ended: once(child, "close").then(([code, signal]) => ({ code, signal })),
    stdout,
    stderr: () => errors,
    async said(text) {
      while (!stdout().includes(text)) await once(child.stdout, "data");
    },
  };
}

/** Starts a tee before the server of these tests. */
export function teeBefore(options: readonly string[], ...what: readonly string[]): TeeChild {
  return startTee(options, [process.execPath, server, ...what]);
}

/** What a recording has. */
export function recordingIn(file: string): { header: RecordingHeader; entries: Entry[] } {
  const [header, ...entries] = readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  return { header: header as RecordingHeader, entries: entries as Entry[] };
}
