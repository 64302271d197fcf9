// Runs lines by a real shell in which every program of the grammar is a stub, and tells what ran.
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { stubs } from "./grammar.js";

/** A command that ran: its name and arguments. */
export type Ran = readonly string[];

const separator = "\x1f";
/** A word by itself, so that a record is written at once and none is in another. */
const end = "\x1e\x1f";
const wrappers = ["env", "xargs", "nice", "timeout", "nohup", "stdbuf", "find", "time", "bash"];

/** Makes the folder: programs on the one hand, on the other files with an attacker's names. */
function makeSandbox(root: string, log: string): { bin: string; cwd: string } {
  const bin = join(root, "bin");
  const cwd = join(root, "cwd");
  mkdirSync(bin, { recursive: true });
  rmSync(cwd, { recursive: true, force: true });
  mkdirSync(cwd);
  for (const name of [...stubs, "evil"]) {
    const write = `printf '%s\\037' "$N" ${name} "$@" '\x1e' >>'${log}'`;
    writeFileSync(join(bin, name), `#!/bin/dash\n${write}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  for (const name of wrappers) {
    const found = ["/usr/bin", "/bin"].map((folder) => join(folder, name)).find(existsSync);
    if (found !== undefined && !existsSync(join(bin, name))) symlinkSync(found, join(bin, name));
  }
  if (!existsSync(join(bin, "sh"))) symlinkSync("/bin/dash", join(bin, "sh"));
  for (const name of ["a", "b", "-x", "a[$(evil)]", "-exec", "a b"])
    writeFileSync(join(cwd, name), "");
  return { bin, cwd };
}

/** Runs each line by itself, in one process of the shell; resolves with what ran of each. */
export async function runLines(
  shell: "bash" | "dash",
  lines: readonly string[],
  root: string,
): Promise<readonly (readonly Ran[])[]> {
  mkdirSync(root, { recursive: true });
  const log = join(root, "log");
  const { bin, cwd } = makeSandbox(root, log);
  writeFileSync(log, "");
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const functions = stubs.map(
    (name) => `${name}() { printf '%s\\037' "$N" ${name} "$@" '\x1e' >>${quote(log)}; }`,
  );
  // The values are an attacker's: names with subscripts, options, commands.
  const values = `x='a[$(evil)]' y='-exec evil' z='evil; evil'; export x y z;`;
  const script = [
    ...functions,
    values,
    ...lines.map(
      (line, at) =>
        `( ulimit -t 2; readonly N=${at}; export N; set -- 'a[$(evil)]' b; eval ${quote(line)}; wait ) </dev/null >/dev/null 2>&1`,
    ),
  ].join("\n");
  const file = join(root, "script");
  writeFileSync(file, script);
  const env = { PATH: bin, HOME: cwd, LC_ALL: "C.UTF-8" };
  await new Promise<void>((resolve, reject) => {
    const child = spawn(`/bin/${shell}`, [file], { cwd, env, stdio: "ignore", detached: true });
    const timer = setTimeout(() => process.kill(-(child.pid ?? 0), "SIGKILL"), 240_000);
    child.once("error", reject);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
  });
  const ran: Ran[][] = lines.map(() => []);
  for (const record of readFileSync(log, "utf8").split(end)) {
    const [number = "", ...words] = record.split(separator).slice(0, -1);
    // A shell writes line by line: of two at once, one may stand in the other. Then it tells nothing.
    const isTorn = words.some((word) => /\n\d+$/.test(word));
    if (!isTorn && /^\d+$/.test(number)) ran[Number(number)]?.push(words);
  }
  return ran;
}
