// A program on a real terminal: a pseudo-terminal of python3's.
import { spawnSync } from "node:child_process";
import { it } from "vitest";
import { unless } from "../helpers/unless.js";

const hasNoPty = spawnSync("python3", ["-c", "import pty"]).status !== 0;

/** `it` for what needs a terminal. */
export const onTerminal = unless(it, hasNoPty, "there is no python3 with a pty");

/** Does what it is told when the screen shows what it waits for; prints the screen at the end. */
const driver = `
import fcntl, json, os, pty, select, struct, sys, termios, time
command, steps = json.loads(sys.argv[1]), json.loads(sys.argv[2])
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
screen, seen, end, width = b"", 0, time.time() + 25, None
while time.time() < end:
    if steps and width is None:
        at = screen.find(steps[0][0].encode(), seen)
        if at >= 0:
            seen = at + len(steps[0][0].encode())
            todo = steps.pop(0)[1]
            if isinstance(todo, int): width = todo
            else:
                os.write(fd, todo.encode())
    ready, _, _ = select.select([fd], [], [], 0.05)
    if not ready:
        # Nothing is on its way that was written for the old width.
        if width is not None:
            fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
            screen += f"\x1b[8;{width}t".encode()
            seen, width = len(screen), None
        continue
    try: data = os.read(fd, 65536)
    except OSError: break
    if not data: break
    screen += data
if time.time() >= end: os.kill(pid, 9)
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(screen)
sys.exit(os.waitstatus_to_exitcode(status))
`;

/**
 * Runs a command; `steps` are what to wait for, and what to type then, or the width that the terminal
 * gets. What it shows has a mark there (`resized` of the terminal's model).
 */
export function runOnPty(
  command: readonly string[],
  {
    folder,
    env,
    steps = [],
  }: {
    folder: string;
    env: Record<string, string>;
    steps?: readonly (readonly [string, string | number])[];
  },
): { status: number | null; screen: string } {
  const { status, stdout } = spawnSync(
    "python3",
    ["-c", driver, JSON.stringify(command), JSON.stringify(steps)],
    { cwd: folder, env: { ...process.env, ...env }, timeout: 120_000 },
  );
  return { status, screen: String(stdout).replaceAll("\r\n", "\n") };
}
