// Lines from a grammar are run by real shells; whatever runs must be among the commands that the gate
// saw, where it took the line for decidable. `SHELL_FUZZ_LINES` and `SHELL_FUZZ_SEED` run others.
import { appendFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { unless } from "../../helpers/unless.js";
import { lineMaker, randomFrom } from "../fuzz/grammar.js";
import { runLines } from "../fuzz/realShell.js";
import { decidableCommands, unseenOf } from "../fuzz/unseen.js";

const lineCount = Number(process.env.SHELL_FUZZ_LINES ?? 600);
const seed = Number(process.env.SHELL_FUZZ_SEED ?? 20_261_128);
const batch = 500;
const root = mkdtempSync(join(tmpdir(), "turnwire-fuzz-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const shells = [
  ["bash", "bash"],
  ["dash", "posix"],
] as const;

describe.each(shells)("lines run by %s", (shell, language) => {
  unless(test, !existsSync(`/bin/${shell}`), `there is no /bin/${shell}`)(
    "run nothing that the gate did not see",
    { timeout: 3_600_000 },
    async () => {
      const makeLine = lineMaker(randomFrom(seed));
      const failures: unknown[] = [];
      let decided = 0;
      for (let done = 0; done < lineCount; done += batch) {
        const made = Array.from({ length: Math.min(batch, lineCount - done) }, makeLine);
        const lines = made.flatMap((line) => {
          const seen = decidableCommands(line, language);
          // What is in a file that a shell reads is not a part of the line.
          const readsFile = seen?.some(({ words }) => words[0]?.text === ".") === true;
          return seen === undefined || readsFile ? [] : [{ line, seen }];
        });
        decided += lines.length;
        const ran = await runLines(
          shell,
          lines.map(({ line }) => line),
          join(root, shell),
        );
        for (const [at, { line, seen }] of lines.entries()) {
          const unseen = unseenOf(ran[at] ?? [], seen);
          if (unseen.length === 0) continue;
          failures.push({ line, unseen: unseen.slice(0, 3) });
          const { SHELL_FUZZ_LOG } = process.env;
          if (SHELL_FUZZ_LOG)
            appendFileSync(
              SHELL_FUZZ_LOG,
              `${JSON.stringify({ shell, line, unseen: unseen.slice(0, 3) })}\n`,
            );
        }
      }
      expect(failures).toEqual([]);
      // A fuzzer whose lines are all undecided shows nothing.
      expect(decided).toBeGreaterThan(lineCount / 10);
    },
  );
});
