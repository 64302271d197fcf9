// The full outputs of tools that were too long for their results. They are files in the data directory, in
// a folder for each workspace and session.
import { readdir, rm, rmdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { outputFolderName, outputsFolder } from "../base/dataFiles.js";
import { endsFolder, removeEndFiles } from "../base/endFiles.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { systemErrorCode } from "../base/systemError.js";

/** Deletes outputs that nobody needs any more. */
export class ToolOutputs {
  readonly #root: string;
  readonly #log: Log;

  constructor(dataDirectory: string, log: Log) {
    this.#root = join(dataDirectory, outputsFolder);
    this.#log = log;
  }

  /** Deletes the outputs of sessions. Never throws, never rejects. */
  async forget(workspaceId: string, sessionIds: readonly string[]): Promise<void> {
    await this.#guard(async () => {
      for (const id of sessionIds) {
        const folder = join(this.#root, workspaceId, outputFolderName(id));
        await rm(folder, { recursive: true, force: true });
        await removeEndFiles(join(this.#root, workspaceId), id);
      }
    });
  }

  /** Deletes the files that were written before a time. Never throws, never rejects. */
  async forgetBefore(time: number): Promise<void> {
    await this.#guard(async () => {
      for (const workspace of await namesIn(this.#root)) {
        for (const session of await namesIn(join(this.#root, workspace))) {
          await this.#forgetFiles(join(this.#root, workspace, session), time);
        }
      }
    });
  }

  async #forgetFiles(folder: string, time: number): Promise<void> {
    const names = await namesIn(folder);
    let left = names.length;
    for (const name of names) {
      const file = join(folder, name);
      const found = await stat(file).catch((error: unknown) => {
        // A command that has just ended takes its file away.
        if (systemErrorCode(error) !== "ENOENT") throw error;
      });
      if (found !== undefined && found.mtimeMs >= time) continue;
      await rm(file, { recursive: true, force: true });
      left--;
    }
    // A command may just be about to use the workspace's folder.
    if (basename(folder) === endsFolder) return;
    const isOld = left === 0 && (await stat(folder)).mtimeMs < time;
    if (isOld) await rmdir(folder);
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // The next round tries again. The file may be gone by now.
      this.#log.debug({ reason: messageOf(error) }, "some outputs of tools were not deleted");
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.map(({ name }) => name);
}
