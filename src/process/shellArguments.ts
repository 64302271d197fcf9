import { basename } from "node:path";
import { findProgram } from "./findProgram.js";
import { type ProcessMark, setFileLocks } from "./processMark.js";

/** The shell that commands run in: bash if it is installed. */
export async function findShell(searchPath: string | undefined): Promise<string> {
  const bash = await findProgram("bash", searchPath);
  if (bash !== undefined) return bash;
  return process.platform === "win32" ? "cmd.exe" : "/bin/sh";
}

/**
 * The language of a shell, by its program's name. `sh` may be any shell, so only what all shells
 * share is understood.
 */
export function shellLanguage(shell: string): "bash" | "posix" | "unknown" {
  const name = basename(shell).toLowerCase();
  if (name === "cmd.exe") return "unknown";
  return /^bash(?:\.exe)?$/.test(name) ? "bash" : "posix";
}

/**
 * The arguments that make a shell run a command. Errors go where output goes, in order. The command begins
 * in the real path of its folder and without `CDPATH`, so that a `cd` leads where the line says. At its end
 * the shell writes its working directory to `cwdFile`. It does not if the command sets its own trap
 * on EXIT or replaces the shell.
 */
export function shellArguments(options: {
  readonly shell: string;
  readonly command: string;
  readonly cwdFile?: string;
  readonly mark: ProcessMark;
}): string[] {
  if (basename(options.shell).toLowerCase() === "cmd.exe") {
    return ["/d", "/s", "/c", `${options.command} 2>&1`];
  }
  const keepFolder =
    options.cwdFile === undefined
      ? ""
      : `trap ${quote(`pwd -P >${quote(options.cwdFile)} 2>/dev/null`)} EXIT; `;
  // `PWD` may name the folder by a link, and then `cd ..` leads to the folder around that link.
  const ownFolder = "unset CDPATH; cd -P . 2>/dev/null";
  // `eval` parses the command separately. So a syntax error in it cannot disable the set-up here,
  // and line numbers in messages are those of the command.
  const setUp = `${setFileLocks(options.mark)}; ${ownFolder}; ${keepFolder}exec 2>&1`;
  return ["-c", `${setUp}; eval ${quote(options.command)}`];
}

/** Quotes a text as one word of a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
