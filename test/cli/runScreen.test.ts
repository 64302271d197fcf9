// What a person sees of `turnwire run` on a real terminal.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import { onTerminal, runOnPty } from "./pty.js";
import { launcher, offlineEnvironment } from "./runHarness.js";
import { TerminalModel } from "./terminalModel.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "turnwire-screen-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Steps = readonly (readonly [string, string | number])[];

function run(argv: readonly string[], env: Record<string, string> = {}, steps: Steps = []) {
  const size = 'stty cols 60 rows 24; exec "$0" "$@"';
  return runOnPty(["sh", "-c", size, process.execPath, launcher, "run", ...argv], {
    folder,
    steps,
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
    const lines = new TerminalModel(60).write(screen).rows;
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

const plain = { TMUX: "", STY: "", XTERM_VERSION: "" };

onTerminal.each([
  ["lays lines out anew", {}, true],
  ["cuts lines", { XTERM_VERSION: "XTerm(379)" }, false],
])("keeps the answer whole when a terminal that %s changes its width", (_, env, reflows) => {
  const { status, screen } = run(
    ["@say The first line.\n@wait 900\n@say The second line.\n@wait 900\n@say The third line."],
    { ...plain, ...env },
    [
      ["· step 1", 22],
      ["second", 70],
      ["· step 1", 24],
    ],
  );
  expect(status).toBe(0);
  const { rows } = new TerminalModel(60, reflows).write(screen);
  expect(rows.slice(0, 3)).toEqual(["The first line.", "The second line.", "The third line."]);
  // The last line may be in two rows.
  expect(rows.slice(3).join("").replaceAll(" ", "")).toMatch(/^ses_\w+·\d+tokens·\$0\.0000·\d+s$/);
});

onTerminal("never shows the screen without its status while the answer streams", () => {
  const lines = Array.from({ length: 12 }, (_, n) => `@say Line ${n}.\n@say \n@wait 40`);
  const { screen } = run([`@wait 400\n${lines.join("\n")}\n@wait 300`], plain);
  const { seen } = new TerminalModel(60).write(screen);
  const hasStatus = seen.map((rows) => rows.some((row) => /· step \d/.test(row)));
  const between = hasStatus.slice(hasStatus.indexOf(true), hasStatus.lastIndexOf(true));
  expect(between.length).toBeGreaterThan(12);
  expect(between).not.toContain(false);
});

onTerminal("has no colour that a light or a dark background swallows", () => {
  const steps: Steps = [["Allow?", "y\n"]];
  const change = '@tool write {"path": "a.txt", "content": "hi\\n"}';
  const code =
    "@say `code` and [a link](https://example.test)\n@say > quoted\n@say ```ts\n@say let x;\n@say ```";
  const { screen } = run([`@say # Title\n${code}\n${change}`], plain, steps);
  expect(screen).toContain("\u001b[32m+hi\u001b[39m");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what is looked for.
  const colors = [...screen.matchAll(/\u001b\[([\d;]*)m/g)].flatMap(([, codes = ""]) =>
    codes.split(";"),
  );
  expect(colors).toContain("35");
  // Black, white and yellow, the bright ones, backgrounds, and colours that are not of the palette.
  const swallowed = colors.filter((code) => /^(30|33|37|38|4[0-8]|9\d|10\d)$/.test(code));
  expect(swallowed).toEqual([]);
  const without = run([`${change}`], { ...plain, NO_COLOR: "1" }, steps).screen;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
  expect(without).not.toMatch(/\u001b\[[\d;]*m/);
});
