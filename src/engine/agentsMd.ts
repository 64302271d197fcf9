import { lstat, open, realpath } from "node:fs/promises";
import { join, parse, relative } from "node:path";
import { textIn } from "../base/decodeText.js";
import { messageOf } from "../base/errors.js";
import { identityOf, missingIdentity } from "../base/fileIdentity.js";
import { isWithin, toSlashes } from "../base/insideFolder.js";
import { leadsTo } from "../base/leadsTo.js";
import { type Log, silentLog } from "../base/log.js";
import type { PermissionRules } from "../config/types.js";
import { hiddenBy } from "../permissions/index.js";

/** The file's name, in whichever folder. */
export const agentsMdName = "AGENTS.md";

/** The instructions of a folder, and a warning for a person. */
export interface Instructions {
  readonly text?: string;
  /** The file that they are from, relative to the folder. */
  readonly name?: string;
  /** Why they, or a part of them, are left out. */
  readonly warning?: string;
}

/** The longest instructions, in bytes. Longer ones would leave too little room for the work. */
const mostBytes = 32 * 1024;

/**
 * A folder's instructions for agents: its `AGENTS.md`, at most 32 KiB of it. The file is read again when
 * it has changed.
 */
export class AgentsMd {
  readonly #folder: string;
  readonly #log: Log;
  readonly #within: string;
  #last: { readonly identity: string; readonly found: Promise<Instructions> } | undefined;

  /** @param within where the file may lie really: the folder unless told. */
  constructor(folder: string, log: Log = silentLog, within: string = folder) {
    this.#folder = folder;
    this.#log = log;
    this.#within = within;
  }

  /** The user's own, which may be a link to wherever he keeps his settings. */
  static ofUser(folder: string, log: Log): AgentsMd {
    return new AgentsMd(folder, log, rootOf(folder));
  }

  /**
   * The instructions as they are now: UTF-8, or UTF-16 with a byte order mark. If the folder has no
   * `AGENTS.md`, they come from the first of `others` that is there. The text is empty if there are
   * none. It is also empty, with a warning (also in the log), if the file is no such text, cannot be
   * read, or is a link that leads out of the workspace. Never rejects.
   */
  read(others: readonly string[] = []): Promise<Instructions> {
    const names = [agentsMdName, ...others];
    const seen = names.map((name) => identityOf(join(this.#folder, name)));
    const index = seen.findIndex((identity) => identity !== missingIdentity);
    const name = names[index];
    const identity = `${name} ${seen[index]}`;
    if (this.#last?.identity === identity) return this.#last.found;
    const found =
      name === undefined
        ? Promise.resolve({})
        : this.#read(name).catch((error: unknown) => this.#forget(name, error));
    this.#last = { identity, found };
    return found;
  }

  async #read(name: string): Promise<Instructions> {
    const real = await realpath(join(this.#folder, name));
    if (!isWithin(await realpath(this.#within), real)) {
      return this.#leftOut(name, "it is a link that leads out of the workspace");
    }
    // A named pipe must not be opened: that would wait until a program writes to it.
    if (!(await lstat(real)).isFile()) return this.#leftOut(name, "it is no file");
    const { bytes, isCut } = await readBounded(real, mostBytes);
    const text = textIn(bytes, isCut);
    if (text === undefined) {
      return this.#leftOut(name, "it is neither UTF-8 nor UTF-16 with a byte order mark");
    }
    if (!isCut) return { text, name };
    return {
      text: `${text}\n[${name} is longer; the rest is left out]`,
      name,
      warning: `${name} is longer than ${mostBytes / 1024} KiB: the rest of it is left out.`,
    };
  }

  #leftOut(name: string, reason: string): Instructions {
    this.#log.warn({ folder: this.#folder, reason }, `${name} is left out`);
    return { warning: `${name} is left out: ${reason}.` };
  }

  /** If it cannot be read, the session goes on without it, and the next turn tries again. */
  #forget(name: string, error: unknown): Instructions {
    this.#last = undefined;
    return this.#leftOut(name, `it cannot be read: ${messageOf(error)}`);
  }
}

function rootOf(folder: string): string {
  return parse(folder).root;
}

/** Whether a rule denies a file to `read`, or to another of `tools`; also what it is a link to. */
export function isFileDenied(
  { deny }: PermissionRules,
  path: string,
  folders: RuledFolders,
  tools: readonly string[] = ["read"],
): boolean {
  const { workspacePath } = folders;
  const shown = isWithin(workspacePath, path) ? toSlashes(relative(workspacePath, path)) : path;
  return hiddenBy(deny, tools, folders)?.({ shown, real: leadsTo(path) }) === true;
}

/** The folders that rules are relative to. */
export interface RuledFolders {
  readonly workspacePath: string;
  readonly home: string | undefined;
}

/** The beginning of a file, and whether there is more. */
export async function readBounded(
  path: string,
  most: number,
): Promise<{ bytes: Uint8Array; isCut: boolean }> {
  const file = await open(path, "r");
  try {
    const buffer = Buffer.alloc(most + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const bytes = buffer.subarray(0, Math.min(bytesRead, most));
    return { bytes, isCut: bytesRead > most };
  } finally {
    await file.close();
  }
}
