// No command outlives the server, even if the server is killed with SIGKILL. A small shell holds
// the list of running process groups. It reads the list from a pipe whose other end only the server
// has. When the server is gone the pipe ends, and the shell kills what is on the list and then
// itself ends.
import { startChild } from "../base/childStart.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { type ProcessMarks, processMarkerVariable } from "./processMark.js";

// The second half of the script finds processes that left their group, by their marks. It takes
// five rounds, because they may fork meanwhile. It is skipped if the server has ended its commands
// itself, and if `/proc` is missing or shows the numbers of another PID namespace.
const script = `
trap '' HUP INT TERM
groups=
while read -r verb group; do
  if [ "$verb" = done ]; then exit 0; fi
  if [ "$verb" = add ]; then groups="$groups $group"; continue; fi
  kept=
  for one in $groups; do [ "$one" = "$group" ] || kept="$kept $one"; done
  groups=$kept
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
own=
read -r own rest 2>/dev/null </proc/self/stat
[ "$own" = "$$" ] || exit 0
for round in 1 2 3 4 5; do
  found=
  for file in $(
    grep -laF -e "$1" /proc/[0-9]*/environ 2>/dev/null
    grep -laE -e "^Max file locks +$2 " /proc/[0-9]*/limits 2>/dev/null
  ); do
    pid=\${file#/proc/}
    kill -s KILL "\${pid%%/*}" 2>/dev/null && found=yes
  done
  [ -n "$found" ] || exit 0
done
`;

/** Kills registered process groups when this process dies. On Windows it does nothing. */
export class ProcessReaper {
  readonly #marks: ProcessMarks;
  readonly #log: Log;
  readonly #groups = new Set<number>();
  #starting: Promise<ReaperProcess> | undefined;

  constructor(marks: ProcessMarks, log: Log) {
    this.#marks = marks;
    this.#log = log;
  }

  /**
   * Starts the shell, if it does not run yet, so that `add` takes effect at once.
   * @throws ChildNotStarted if that is not possible now.
   */
  async start(searchPath: string | undefined): Promise<void> {
    if (process.platform === "win32") return;
    this.#starting ??= this.#spawn(searchPath).catch((error: unknown) => {
      // The next command tries again.
      this.#starting = undefined;
      throw error;
    });
    await this.#starting;
  }

  /** Puts a process group on the list. */
  add(group: number): void {
    this.#groups.add(group);
    this.#tell(`add ${group}`);
  }

  /** Takes a process group that has ended off the list. */
  remove(group: number): void {
    if (this.#groups.delete(group)) this.#tell(`remove ${group}`);
  }

  /** Ends the shell, and with it every group that is still on the list. */
  async close(): Promise<void> {
    const reaper = await this.#starting?.catch(() => undefined);
    if (reaper === undefined) return;
    if (this.#groups.size === 0) reaper.tell("done");
    await reaper.end();
  }

  async #spawn(searchPath: string | undefined): Promise<ReaperProcess> {
    const { execa } = await import("execa");
    const { variablePrefix, fileLocksPattern } = this.#marks;
    const marks = [`${processMarkerVariable}=${variablePrefix}`, fileLocksPattern];
    const reaper = startChild(() =>
      execa("sh", ["-c", script, "sh", ...marks], {
        cwd: "/",
        env: searchPath === undefined ? {} : { PATH: searchPath },
        extendEnv: false,
        detached: true,
        cleanup: false,
        reject: false,
        stdin: "pipe",
        stdout: "ignore",
        stderr: "ignore",
      }),
    );
    reaper.stdin.on("error", (error) => {
      this.#log.warn({ error: messageOf(error) }, "the process reaper takes no more");
    });
    // If somebody killed it, the next command starts another one, which gets the whole list.
    reaper.once("exit", () => {
      this.#starting = undefined;
    });
    reaper.unref();
    for (const group of this.#groups) reaper.stdin.write(`add ${group}\n`);
    return {
      tell: (line) => reaper.stdin.write(`${line}\n`),
      async end() {
        reaper.ref();
        reaper.stdin.end();
        await reaper;
      },
    };
  }

  #tell(line: string): void {
    this.#starting?.then(
      (reaper) => reaper.tell(line),
      (error: unknown) => this.#log.warn({ error: messageOf(error) }, "no process reaper runs"),
    );
  }
}

interface ReaperProcess {
  tell(line: string): void;
  /** Resolves when it has ended. */
  end(): Promise<void>;
}
