import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { completionScript } from "../../src/cli/completion.js";
import type { Shell } from "../../src/cli/completionOptions.js";
import { createProgram } from "../../src/cli/program.js";
import { unless } from "../helpers/unless.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "turnwire-completion-"));
  writeFileSync(join(folder, "schema.json"), "{}");
  mkdirSync(join(folder, "source"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function scriptFor(shell: Shell): Promise<string> {
  let script = "";
  const other = async () => 0;
  const program = createProgram(
    {
      serve: other,
      run: other,
      runs: other,
      attach: other,
      daemon: other,
      acp: other,
      schema: other,
      doctor: other,
      mcp: other,
      sessions: other,
      models: other,
      config: other,
      permissions: other,
      conformance: other,
      relay: other,
      worker: other,
      inspect: other,
      completion: async (options) => {
        script = completionScript(options);
        return 0;
      },
    },
    { version: "1", isStdinTty: true, writeOut: () => {}, writeError: () => {} },
  );
  await program.run(["completion", shell]);
  return script;
}

/** What each shell offers for a line whose last word is being typed. */
const asks: Readonly<Record<Shell, (script: string, words: readonly string[]) => string[]>> = {
  bash(script, words) {
    const line = `${script}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})
COMP_CWORD=${words.length - 1}; _turnwire; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return ["bash", "--norc", "-c", line];
  },
  zsh(script, words) {
    // What the completion system would be told, with its functions replaced by ones that print.
    const line = `compdef() { : }; _describe() { print -l -- "\${(@P)2%%:*}" }
compadd() { shift; print -l -- "$@" }; _files() { print files "$@" }
${script}\nwords=(${words.map((word) => `'${word}'`).join(" ")}); CURRENT=${words.length}; _turnwire`;
    return ["zsh", "-f", "-c", line];
  },
  fish(script, words) {
    return ["fish", "-N", "-c", `${script}\ncomplete -C '${words.join(" ")}'`];
  },
};

const cases: readonly (readonly [
  string,
  readonly string[],
  readonly string[],
  readonly string[],
])[] = [
  ["commands", [""], ["run", "serve", "sessions", "completion"], ["list"]],
  ["commands of a command", ["sessions", ""], ["list", "export"], ["run"]],
  ["options of a command", ["sessions", "export", "-"], ["--format"], ["--framing"]],
  ["choices of an option", ["sessions", "export", "--format", ""], ["json"], ["--format"]],
  ["what stands behind a value", ["run", "--model", "serve", "--ou"], ["--output"], ["--linger"]],
  ["choices of an argument", ["completion", ""], ["fish", "zsh"], ["run"]],
  ["nothing known", ["run", "--model", ""], [], ["--model", "run"]],
];

for (const shell of ["bash", "zsh", "fish"] as const) {
  const isMissing = spawnSync(shell, ["-c", "true"]).status !== 0;
  unless(
    describe,
    isMissing,
    `there is no ${shell} here`,
  )(`the completion of ${shell}`, () => {
    it.each(cases)("offers %s", async (_, words, offered, others) => {
      const [command = "", ...args] = asks[shell](await scriptFor(shell), ["turnwire", ...words]);
      const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8", cwd: folder });
      expect(stderr).toBe("");
      const lines = stdout.split("\n").map((line) => line.split("\t")[0]);
      for (const word of offered) expect(lines).toContain(word);
      for (const word of others) expect(lines).not.toContain(word);
    });
  });
}

unless(
  it,
  spawnSync("bash", ["-c", "true"]).status !== 0,
  "there is no bash here",
)("completes files and folders in bash, also behind an equals sign", async () => {
  const script = await scriptFor("bash");
  const answer = (words: readonly string[]) => {
    const [command = "", ...args] = asks.bash(script, ["turnwire", ...words]);
    return spawnSync(command, args, { encoding: "utf8", cwd: folder }).stdout.trim().split("\n");
  };
  expect(answer(["run", "--output-schema", "s"]).sort()).toEqual(["schema.json", "source"]);
  expect(answer(["run", "--cwd", "s"])).toEqual(["source"]);
  expect(answer(["run", "--output", "=", "js"])).toEqual(["json"]);
});
