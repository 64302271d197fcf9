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

/** The instructions of a workspace, and what a person should know of them. */
export interface Instructions {
  readonly text?: string;
  /** That they are left out, or a part of them, and why. */
  readonly warning?: string;
}

/** Longer instructions would crowd out the work. */
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
   * The instructions as they are now: UTF-8, or UTF-16 with a byte order mark. No text where there are
   * none, and with a warning, in the log too, where they are no text of these, no file that can be
   * read, or a link that leads out of the workspace. Never rejects.
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
    // A pipe must not be opened: opening it would wait until a program writes to it.
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

  /** Whatever keeps it from being read, a session goes on without it, and the next one tries. */
  #forget(error: unknown): Instructions {
    this.#last = undefined;
    return this.#leftOut(`it cannot be read: ${messageOf(error)}`);
  }
}

/** Whether a rule denies to `read` the instructions, or what they are a link to. */
export function isAgentsMdDenied({ deny }: PermissionRules, folders: AgentsMdFolders): boolean {
  const real = leadsTo(join(folders.workspacePath, agentsMdName));
  return hiddenBy(deny, ["read"], folders)?.({ shown: agentsMdName, real }) === true;
}

/** The folders that rules are written from. */
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
