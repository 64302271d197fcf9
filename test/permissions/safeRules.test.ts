// The rules that docs/configuration.md calls safe to give are tried with the options by which programs
// run or write something.
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { onWindows, unless } from "../helpers/unless.js";
import { verdictOn } from "./lines/row.js";

const docs = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
const [, section = ""] = /<!-- safe rules[^\n]*-->(.*?)<!-- \/safe rules -->/s.exec(docs) ?? [];
const rules = [...section.matchAll(/`(bash:[^`]+)`/g)].map(([, rule = ""]) => rule);

const attacks = [
  ...["-o MARK", "--output=MARK", "--output MARK", "-exec touch MARK ';'", "-i a.txt", "-w MARK"],
  ...["--to-command='touch MARK'", "--pre='touch MARK'", "-e 'touch MARK'", "-c 'touch MARK'"],
  ...["a.txt MARK", "-T . -o MARK", "--compress-program='touch MARK'", "-fMARK", "$x", '"$x"'],
];

const folder = mkdtempSync(join(tmpdir(), "turnwire-rules-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("there are safe rules", () => {
  expect(rules.length).toBeGreaterThanOrEqual(10);
});

unless(
  describe,
  onWindows,
  "there is no POSIX shell",
)("a safe rule", () => {
  test.each(rules)("%s lets nothing be run or written", async (rule) => {
    writeFileSync(join(folder, "a.txt"), "a\n");
    const program = rule.slice("bash:".length).replace(/[ *]+$/, "");
    for (const attack of attacks) {
      const line = `${program} ${attack}`;
      if ((await verdictOn({ allow: [rule], line }, folder)) !== "allow") continue;
      const env = { PATH: "/usr/bin:/bin", x: "--output=MARK" };
      await new Promise<void>((resolve) => {
        const options = { cwd: folder, env, timeout: 120_000 };
        const child = execFile("/bin/sh", ["-c", line], options, () => resolve());
        child.stdin?.end();
      });
      expect(readdirSync(folder), line).toEqual(["a.txt"]);
      expect(readFileSync(join(folder, "a.txt"), "utf8"), line).toBe("a\n");
    }
    expect(await verdictOn({ allow: [rule], line: `${program} > MARK` }, folder)).toBe("ask");
    expect(await verdictOn({ allow: [rule], line: `${program}; touch MARK` }, folder)).toBe("ask");
  });
});
