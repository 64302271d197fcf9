// The question of `turnwire run` on a real terminal (a pseudo-terminal of python3's), with stdin as a
// pipe: what stands on the screen, and what was typed before it.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect } from "vitest";
import { onTerminal, runOnPty } from "./pty.js";
import { launcher, offlineEnvironment } from "./runHarness.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "turnwire-pty-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a prompt from a pipe; `steps` are what to wait for, and what to type then. */
function runOnTerminal(prompt: string, steps: readonly (readonly [string, string])[]) {
  const file = join(folder, "prompt.txt");
  writeFileSync(file, prompt);
  const line = `cat "${file}" | "${process.execPath}" "${launcher}" run --data-dir d -`;
  return runOnPty(["sh", "-c", `stty cols 300 rows 24; ${line}`], {
    folder,
    env: offlineEnvironment(folder),
    steps,
  });
}

const bash = (command: string) => `@tool bash ${JSON.stringify({ command })}\n@say Done.`;

onTerminal("shows all of a command that would run", () => {
  const command = `echo safe${" ".repeat(200)}; touch X`;
  const { status, screen } = runOnTerminal(bash(command), [["Allow?", "y\n"]]);
  expect(screen).toContain("bash: Run: echo safe␠×200; touch X\n");
  expect(screen).toContain(`Folder: ${folder}`);
  expect({ status, made: existsSync(join(folder, "X")) }).toEqual({ status: 0, made: true });
});

onTerminal("takes nothing that was typed before it", () => {
  const prompt = `@say Begun.\n@wait 2000\n${bash("ls\ntouch X")}`;
  const { status, screen } = runOnTerminal(prompt, [
    ["Begun.", "y\ny\ny"],
    ["Allow?", "n\n"],
  ]);
  expect(screen).toContain("Run these 2 lines:\n  │ ls⏎\n  │ touch X\n");
  expect(screen.match(/Allow\?/g)).toHaveLength(1);
  expect(screen).toContain("1 permission was denied");
  expect({ status, made: existsSync(join(folder, "X")) }).toEqual({ status: 3, made: false });
});

onTerminal("shows a long change page by page", () => {
  const content = Array.from({ length: 100 }, (_, n) => `line ${n}\n`).join("");
  const prompt = `@tool write ${JSON.stringify({ path: "f", content })}\n@say Done.`;
  const pages = Array.from({ length: 4 }, () => ["more lines", "\n"] as const);
  const { status, screen } = runOnTerminal(prompt, [...pages, ["Allow?", "y\n"]]);
  expect(screen).toContain("+line 99\n");
  expect(screen.match(/more lines/g)?.length).toBeGreaterThan(1);
  expect({ status, made: existsSync(join(folder, "f")) }).toEqual({ status: 0, made: true });
});

onTerminal("asks what a tool server wants to know", () => {
  const script = fileURLToPath(new URL("../helpers/mcpServer.mjs", import.meta.url));
  const config = {
    mcpServers: { docs: { command: process.execPath, args: [script] } },
    permissions: { allow: ["mcp__docs__choose"] },
  };
  mkdirSync(join(folder, "turnwire"));
  writeFileSync(join(folder, "turnwire", "config.json"), JSON.stringify(config));
  const { status, screen } = runOnTerminal("@tool mcp__docs__choose {}\n@say Done.", [
    ["Answer?", "y\n"],
    ["edition (text", "second\n"],
  ]);
  expect(screen).toContain('The tool server "docs" asks: Which edition?');
  expect(screen).toContain("Done.");
  expect(status).toBe(0);
});
