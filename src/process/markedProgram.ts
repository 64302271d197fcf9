// A program that speaks over its pipes for as long as its workspace is open: a tool server, or an agent.
import { resolve } from "node:path";
import { executableAt, findProgram } from "./findProgram.js";
import { type ProcessMark, setFileLocks } from "./processMark.js";

/** What starts a program. */
export interface MarkedProgram {
  readonly file: string;
  readonly args: readonly string[];
  /** Whether there is such a program. */
  readonly isFound: boolean;
}

/** How such a program is started with `execa`: in a process group of its own, and never with our variables. */
export const pipedChild = {
  extendEnv: false,
  detached: true,
  cleanup: false,
  windowsHide: true,
  stdin: "pipe",
  stdout: "pipe",
  stderr: "pipe",
  buffer: false,
  reject: false,
} as const;

/**
 * How a program is started so that all its processes can be found again: by a shell that sets the mark
 * and then becomes the program. A name is looked for on `path`, and a relative path from the workspace.
 */
export async function markedProgram(
  command: string,
  args: readonly string[],
  {
    mark,
    workspacePath,
    path,
  }: {
    readonly mark: ProcessMark;
    readonly workspacePath: string;
    readonly path: string | undefined;
  },
): Promise<MarkedProgram> {
  const program = command.includes("/")
    ? resolve(workspacePath, command)
    : await findProgram(command, path);
  const isFound = program !== undefined && (await executableAt(program)) !== undefined;
  if (process.platform === "win32" || !isFound) return { file: program ?? command, args, isFound };
  const script = `${setFileLocks(mark)}; exec "$0" "$@"`;
  return { file: "/bin/sh", args: ["-c", script, program, ...args], isFound };
}
