// What a person sees of `turnwire run` on a real terminal.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import { onTerminal, runOnPty, screenOf } from "./pty.js";
import { launcher, offlineEnvironment } from "./runHarness.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "turnwire-screen-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(argv: readonly string[], env: Record<string, string> = {}) {
  const size = 'stty cols 60 rows 24; exec "$0" "$@"';
  return runOnPty(["sh", "-c", size, process.execPath, launcher, "run", ...argv], {
    folder,
    env: { ...offlineEnvironment(folder), TERM: "xterm-256color", NO_COLOR: "", ...env },
  });
}

const prompt = [
  "@say # Title",
  "@say ",
  "@say Some **bold** words.",
  '@tool ls {"path": "."}',
  "@wait 700",
  "@say - one",
  "@say - two \u001b]0;owned\u0007",
].join("\n");

onTerminal(
  "shows the answer as Markdown, tools in lines of their own, and one line at the end",
  () => {
    const { status, screen } = run([prompt]);
    expect(status).toBe(0);
    const lines = screenOf(screen, 60);
    expect(lines.slice(0, -1)).toEqual([
      "Title",
      "",
      "Some bold words.",
      "ls .",
      "- one",
      "- two ␛]0;owned␇",
    ]);
    expect(lines.at(-1)).toMatch(/^ses_\w+ · \d+ tokens · \$0\.0000 · \d+ s$/);
    // While it waited there was a line that is gone now.
    expect(screen).toMatch(/\d s · offline\/offline · step \d/);
    expect(screen).toContain("\u001b[1mbold\u001b[22m");
    expect(screen).not.toContain("\u001b]0;");
  },
);

onTerminal(
  "has no colours with NO_COLOR, no status with --quiet, and nothing moves on a dumb one",
  () => {
    const style = "\u001b[1m";
    expect(run([prompt], { NO_COLOR: "1" }).screen).not.toContain(style);
    const quiet = run(["--quiet", "@wait 500\n@say Done."]);
    expect(quiet.screen).toBe("Done.\n");
    const dumb = run(["@wait 500\n@say Done."], { TERM: "dumb" });
    expect(dumb.screen).toMatch(/^Done\.\nses_\w+ · .*\n$/);
  },
);

onTerminal("writes programs' output as it is, also to a terminal", () => {
  const { screen } = run(["--output", "json", "--quiet", "@say **as it is**"]);
  expect(JSON.parse(screen)).toMatchObject({ text: "**as it is**" });
});
