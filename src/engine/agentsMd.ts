import { lstat, open, realpath } from "node:fs/promises";
import { join } from "node:path";
import { identityOf, missingIdentity } from "../base/fileIdentity.js";
import { isWithin } from "../base/insideFolder.js";

/** Longer instructions would crowd out the work. */
const mostBytes = 32 * 1024;

/**
 * The workspace's own instructions for agents: `AGENTS.md` at its root, at most 32 KiB of it. It is
 * read again when the file has changed.
 */
export class AgentsMd {
  readonly #workspacePath: string;
  #last: { readonly identity: string; readonly text: Promise<string | undefined> } | undefined;

  constructor(workspacePath: string) {
    this.#workspacePath = workspacePath;
  }

  /**
   * The instructions as they are now. Undefined where there are none, where they are no file that
   * can be read, and where they are a link that leads out of the workspace. Never rejects.
   */
  read(): Promise<string | undefined> {
    const path = join(this.#workspacePath, "AGENTS.md");
    const identity = identityOf(path);
    if (this.#last?.identity === identity) return this.#last.text;
    const isThere = identity !== missingIdentity;
    const text = isThere
      ? this.#read(path).catch(() => this.#forget())
      : Promise.resolve(undefined);
    this.#last = { identity, text };
    return text;
  }

  async #read(path: string): Promise<string | undefined> {
    const real = await realpath(path);
    if (!isWithin(await realpath(this.#workspacePath), real)) return undefined;
    return await readBounded(real);
  }

  /** Whatever keeps it from being read, a session goes on without it, and the next one tries. */
  #forget(): undefined {
    this.#last = undefined;
  }
}

async function readBounded(path: string): Promise<string | undefined> {
  // A pipe must not be opened: that would wait for whoever writes to it.
  if (!(await lstat(path)).isFile()) return undefined;
  const file = await open(path, "r");
  try {
    const buffer = Buffer.alloc(mostBytes + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    // A character that the limit cuts in two is left out.
    const text = new TextDecoder().decode(buffer.subarray(0, Math.min(bytesRead, mostBytes)), {
      stream: true,
    });
    return bytesRead > mostBytes ? `${text}\n[AGENTS.md is longer; the rest is left out]` : text;
  } finally {
    await file.close();
  }
}
