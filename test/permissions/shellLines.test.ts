// The table of shell lines: what the gate makes of each, and what the lines that it allows do in a
// real bash and a real dash: they must leave no mark, and keep what is to be kept.
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { builtinLines } from "./lines/builtins.js";
import { deniedLines } from "./lines/denied.js";
import { expansions } from "./lines/expansions.js";
import { folderLines } from "./lines/folders.js";
import { foundByFuzzing, optionLines } from "./lines/options.js";
import { posixLines } from "./lines/posix.js";
import { type Row, verdictOn } from "./lines/row.js";

const tables: Readonly<Record<string, readonly Row[]>> = {
  expansions,
  builtins: builtinLines,
  options: optionLines,
  foundByFuzzing,
  folders: folderLines,
  denied: deniedLines,
  posix: posixLines,
};
const all = Object.values(tables).flat();

const base = mkdtempSync(join(tmpdir(), "turnwire-lines-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A workspace of an attacker: files that are named like options and subscripts, and other scripts. */
function makeFolder(name: string): string {
  const folder = join(base, name);
  for (const one of ["keep", "evil", "bin"]) mkdirSync(join(folder, one), { recursive: true });
  const script = (path: string, text: string) => {
    writeFileSync(join(folder, path), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, path), 0o755);
  };
  const mark = `: > '${join(folder, "MARK")}'`;
  for (const one of [
    "a[$(touch MARK)0]",
    "-exec",
    "-va[$(touch MARK)]",
    "a.txt",
    "x",
    "--output=MARK",
  ]) {
    writeFileSync(join(folder, one), "a[$(touch MARK)0]\n");
  }
  for (const one of ["evil/build.sh", "evil/tool", "evil/ls", "deploy.sh"]) script(one, mark);
  script("build.sh", ":");
  for (const one of ["git", "tool", "npm"]) script(`bin/${one}`, ":");
  return folder;
}

function run(shell: string, row: Row, folder: string): Promise<void> {
  const env = { PATH: `${join(folder, "bin")}:/usr/bin:/bin`, HOME: folder, LC_ALL: "C.UTF-8" };
  const cwd = row.folder === undefined ? folder : join(folder, row.folder);
  return new Promise((resolve) => {
    const child = execFile(
      shell,
      ["-c", `eval '${row.line.replaceAll("'", "'\\''")}'`],
      {
        cwd,
        env,
        timeout: 120_000,
        killSignal: "SIGKILL",
      },
      () => resolve(),
    );
    child.stdin?.end();
  });
}

const allowsAll = ({ allow }: Row) => allow?.includes("bash") === true;
const repeats = (row: Row) => /\b(?:while|until) (?:ls|git)\b/.test(row.line);

describe.each(Object.entries(tables))("%s", (_, table) => {
  test.each(table.map((row): [string, string, Row] => [row.verdict, row.line, row]))(
    "%s: %s",
    async (verdict, _line, row) => {
      expect(await verdictOn(row, "/repo")).toBe(verdict);
    },
  );
});

test("the table has at least 250 lines, and none twice", () => {
  expect(all.length).toBeGreaterThanOrEqual(250);
  const keys = all.map((row) => JSON.stringify(row));
  expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
});

const shells = ["/bin/bash", "/bin/dash"].filter((shell) => existsSync(shell));
if (shells.length < 2)
  console.warn(`shell lines are run by ${shells.join(", ") || "no shell"} alone`);

describe.each(shells)("run by %s, a line that is allowed leaves no mark", (shell) => {
  const allowed = all.filter(
    (row) => row.verdict === "allow" && row.deny === undefined && !repeats(row) && !allowsAll(row),
  );
  test.each(allowed.map((row, at): [string, number, Row] => [row.line, at, row]))(
    "%s",
    async (_, at, row) => {
      // Lines with bash's own constructs are only run where the gate was told that bash runs them.
      if (row.language === undefined && shell.endsWith("dash")) return;
      const folder = makeFolder(`${shell.slice(5)}${at}`);
      await run(shell, row, folder);
      expect(existsSync(join(folder, "MARK"))).toBe(false);
      rmSync(folder, { recursive: true, force: true });
    },
  );
});

describe.each(shells)(
  "run by %s, a line that no deny rule stops keeps what is to be kept",
  (shell) => {
    const allowed = all.filter((row) => row.verdict === "allow" && row.deny !== undefined);
    test.each(allowed.map((row, at): [string, number, Row] => [row.line, at, row]))(
      "%s",
      async (_, at, row) => {
        const folder = makeFolder(`keep-${shell.slice(5)}${at}`);
        await run(shell, row, folder);
        expect(existsSync(join(folder, "keep"))).toBe(true);
        rmSync(folder, { recursive: true, force: true });
      },
    );
  },
);
