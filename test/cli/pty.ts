// A program on a real terminal: a pseudo-terminal of python3's.
import { spawnSync } from "node:child_process";
import { it } from "vitest";
import { unless } from "../helpers/unless.js";

const hasNoPty = spawnSync("python3", ["-c", "import pty"]).status !== 0;

/** `it` for what needs a terminal. */
export const onTerminal = unless(it, hasNoPty, "there is no python3 with a pty");

/** Types what it is told when the screen shows what it waits for; prints the screen at the end. */
const driver = `
import json, os, pty, select, sys, time
command, steps = json.loads(sys.argv[1]), json.loads(sys.argv[2])
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
screen, seen, end = b"", 0, time.time() + 25
while time.time() < end:
    if steps:
        at = screen.find(steps[0][0].encode(), seen)
        if at >= 0:
            seen = at + len(steps[0][0].encode())
            os.write(fd, steps.pop(0)[1].encode())
    ready, _, _ = select.select([fd], [], [], 0.05)
    if not ready: continue
    try: data = os.read(fd, 65536)
    except OSError: break
    if not data: break
    screen += data
if time.time() >= end: os.kill(pid, 9)
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(screen)
sys.exit(os.waitstatus_to_exitcode(status))
`;

/** Runs a command; `steps` are what to wait for, and what to type then. */
export function runOnPty(
  command: readonly string[],
  {
    folder,
    env,
    steps = [],
  }: {
    folder: string;
    env: Record<string, string>;
    steps?: readonly (readonly [string, string])[];
  },
): { status: number | null; screen: string } {
  const { status, stdout } = spawnSync(
    "python3",
    ["-c", driver, JSON.stringify(command), JSON.stringify(steps)],
    { cwd: folder, env: { ...process.env, ...env }, timeout: 28_000 },
  );
  return { status, screen: String(stdout).replaceAll("\r\n", "\n") };
}

/**
 * The rows that stand on a terminal after an output: of the sequences that move, those that the
 * command line uses (carriage return, up, erase to the right, erase below). Blank rows at the end are
 * left out. One that wraps is not cut.
 */
export function screenOf(output: string, columns: number): string[] {
  const rows: string[][] = [[]];
  let row = 0;
  let column = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what a terminal reads.
  for (const [token] of output.matchAll(/\u001b\[[\d;]*[A-Za-z]|[\s\S]/gu)) {
    const line = rows[row] ?? [];
    rows[row] = line;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
    const move = /^\u001b\[(\d*)([AJK])$/.exec(token);
    if (move?.[2] === "A") row = Math.max(0, row - Number(move[1] || 1));
    else if (move?.[2] === "K") line.length = Math.min(line.length, column);
    else if (move?.[2] === "J") {
      line.length = Math.min(line.length, column);
      rows.length = row + 1;
    } else if (token === "\r") column = 0;
    else if (token === "\n") {
      row += 1;
      column = 0;
    } else if (!token.startsWith("\u001b")) {
      line[column] = token;
      column += 1;
    }
  }
  const texts = Array.from(rows, (line = []) => line.join("").trimEnd());
  while (texts.at(-1) === "") texts.pop();
  return texts.map((text) => text.slice(0, columns * 4));
}
