// docs/cli.md: its examples are run and print what they are told to, and it leaves no option out.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { Command } from "commander";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createProgram } from "../../src/cli/program.js";
import { protocolJsonSchema } from "../../src/cli/schema.js";
import { onWindows, unless } from "../helpers/unless.js";
import { launcher, offlineEnvironment } from "./runHarness.js";

const page = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");

/** An example: a command line, its exit code, and what stdout shows (`…` is anything). */
interface Example {
  readonly line: string;
  readonly exitCode: number;
  readonly shown: string;
}

const examples = [...page.matchAll(/```console\n([\s\S]*?)```/g)].flatMap(([, block = ""]) =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map((text): Example => {
      const [first = "", ...rest] = text.trimEnd().split("\n");
      const exit = /^(.*?) +# exit (\d+)$/.exec(first);
      return { line: exit?.[1] ?? first, exitCode: Number(exit?.[2] ?? 0), shown: rest.join("\n") };
    }),
);

let root: string;
let folder: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "turnwire-docs-"));
  folder = join(root, "project");
  mkdirSync(folder);
  mkdirSync(join(root, "bin"));
  const program = join(root, "bin", "turnwire");
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${launcher}" "$@"\n`);
  chmodSync(program, 0o755);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function sh(line: string) {
  const env = {
    ...process.env,
    ...offlineEnvironment(root),
    TURNWIRE_CONFIG: "",
    PATH: `${join(root, "bin")}:${process.env.PATH}`,
  };
  return spawnSync("sh", ["-c", line], { cwd: folder, env, encoding: "utf8", timeout: 120_000 });
}

function pattern(shown: string): RegExp {
  const escaped = shown.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("…", "[\\s\\S]*");
  return new RegExp(`^${escaped}\\s*$`);
}

unless(
  it,
  onWindows,
  "there is no POSIX shell",
)("has examples that print what they are told to", () => {
  expect(examples.length).toBeGreaterThan(25);
  let session = "";
  for (const { line, exitCode, shown } of examples) {
    if (line.includes("SESSION") || shown.includes("SESSION")) {
      session ||= JSON.parse(sh("turnwire sessions --limit 1 --json").stdout).sessions[0].id;
    }
    const { status, stdout, stderr } = sh(line.replaceAll("SESSION", session));
    expect({ line, status, stderr: status === exitCode ? "" : stderr }).toEqual({
      line,
      status: exitCode,
      stderr: "",
    });
    if (shown !== "") expect(stdout).toMatch(pattern(shown.replaceAll("SESSION", session)));
  }
});

it("names every command and every option", async () => {
  let program: Command | undefined;
  const other = async () => 0;
  await createProgram(
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
        program = options.program;
        return 0;
      },
    },
    { version: "1", isStdinTty: true, writeOut: () => {}, writeError: () => {} },
  ).run(["completion", "bash"]);
  const missing = (program?.commands ?? []).flatMap((command) => {
    const name = `turnwire ${command.name()}`;
    const section = page.split(`\n## ${name}\n`)[1]?.split("\n## ")[0] ?? "";
    const all = [command, ...command.commands];
    const flags = all.flatMap(({ options }) =>
      options.flatMap(({ short, long }) => [short, long].filter((flag) => flag)),
    );
    const commands = command.commands.map((one) => `\`${name} ${one.name()}`);
    return [...flags.map((flag) => `\`${flag}`), ...commands]
      .filter((text) => !section.includes(text))
      .map((text) => `${name}: ${text}`);
  });
  expect(missing).toEqual([]);
});

unless(
  it,
  onWindows,
  "there is no POSIX shell",
)("describes each line of stream-json", () => {
  const { $defs, streamJsonLine } = protocolJsonSchema();
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  const check = ajv.compile({ ...streamJsonLine, $defs });
  const prompt = '@think Hm.\n@tool ls {"path": "."}\n@say Done.';
  const lines = [
    ...sh(`turnwire run --output stream-json '${prompt}'`).stdout.trimEnd().split("\n"),
    ...sh("turnwire run --output stream-json --session nobody p").stdout.trimEnd().split("\n"),
  ].map((line) => JSON.parse(line));
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) expect({ line, isValid: check(line) }).toEqual({ line, isValid: true });
  expect(check({ method: "runRefused", params: {} })).toBe(false);
  expect(check({ method: "unknown", params: {} })).toBe(false);
});
