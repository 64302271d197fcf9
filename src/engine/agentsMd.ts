import { lstat, open, realpath } from "node:fs/promises";
import { join } from "node:path";
import { textIn } from "../base/decodeText.js";
import { messageOf } from "../base/errors.js";
import { identityOf, missingIdentity } from "../base/fileIdentity.js";
import { isWithin } from "../base/insideFolder.js";
import { leadsTo } from "../base/leadsTo.js";
import { type Log, silentLog } from "../base/log.js";
import type { PermissionRules } from "../config/types.js";
import { hiddenBy } from "../permissions/index.js";

/** The file's name, at the workspace's root. */
const agentsMdName = "AGENTS.md";

/** The instructions of a workspace, and a warning for a person. */
export interface Instructions {
  readonly text?: string;
  /** Why they, or a part of them, are left out. */
  readonly warning?: string;
}

/** The longest instructions, in bytes. Longer ones would leave too little room for the work. */
const mostBytes = 32 * 1024;

/**
 * The workspace's own instructions for agents: `AGENTS.md` at its root, at most 32 KiB of it. It is
 * read again when the file has changed.
 */
export class AgentsMd {
  readonly #workspacePath: string;
  readonly #log: Log;
  #last: { readonly identity: string; readonly found: Promise<Instructions> } | undefined;

  constructor(workspacePath: string, log: Log = silentLog) {
    this.#workspacePath = workspacePath;
    this.#log = log;
  }

  /**
   * The instructions as they are now: UTF-8, or UTF-16 with a byte order mark. The text is empty if
   * there are none. It is also empty, with a warning (also in the log), if the file is no such
   * text, cannot be read, or is a link that leads out of the workspace. Never rejects.
   */
  read(): Promise<Instructions> {
    const path = join(this.#workspacePath, agentsMdName);
    const identity = identityOf(path);
    if (this.#last?.identity === identity) return this.#last.found;
    const isThere = identity !== missingIdentity;
    const found = isThere
      ? this.#read(path).catch((error: unknown) => this.#forget(error))
      : Promise.resolve({});
    this.#last = { identity, found };
    return found;
  }

  async #read(path: string): Promise<Instructions> {
    const real = await realpath(path);
    if (!isWithin(await realpath(this.#workspacePath), real)) {
      return this.#leftOut("it is a link that leads out of the workspace");
    }
    // A named pipe must not be opened: that would wait until a program writes to it.
    if (!(await lstat(real)).isFile()) return this.#leftOut("it is no file");
    const { bytes, isCut } = await readBounded(real);
    const text = textIn(bytes, isCut);
    if (text === undefined) {
      return this.#leftOut("it is neither UTF-8 nor UTF-16 with a byte order mark");
    }
    if (!isCut) return { text };
    return {
      text: `${text}\n[AGENTS.md is longer; the rest is left out]`,
      warning: `${agentsMdName} is longer than ${mostBytes / 1024} KiB: the rest of it is left out.`,
    };
  }

  #leftOut(reason: string): Instructions {
    this.#log.warn({ workspacePath: this.#workspacePath, reason }, "AGENTS.md is left out");
    return { warning: `${agentsMdName} is left out: ${reason}.` };
  }

  /** If it cannot be read, the session goes on without it, and the next turn tries again. */
  #forget(error: unknown): Instructions {
    this.#last = undefined;
    return this.#leftOut(`it cannot be read: ${messageOf(error)}`);
  }
}

/** Whether a rule denies `read` for the instructions, or for the file that they link to. */
export function isAgentsMdDenied({ deny }: PermissionRules, folders: AgentsMdFolders): boolean {
  const real = leadsTo(join(folders.workspacePath, agentsMdName));
  return hiddenBy(deny, ["read"], folders)?.({ shown: agentsMdName, real }) === true;
}

/** The folders that rules are relative to. */
interface AgentsMdFolders {
  readonly workspacePath: string;
  readonly home: string | undefined;
}

/** The beginning of a file, and whether there is more. */
async function readBounded(path: string): Promise<{ bytes: Uint8Array; isCut: boolean }> {
  const file = await open(path, "r");
  try {
    const buffer = Buffer.alloc(mostBytes + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const bytes = buffer.subarray(0, Math.min(bytesRead, mostBytes));
    return { bytes, isCut: bytesRead > mostBytes };
  } finally {
    await file.close();
  }
}
