// A run may have made a folder where a file was, or a file where a folder was. Then a rewind frees the place
// by itself, before it brings back what was there.
import { dirname } from "node:path";
import type { NewChange } from "../storage/changedFiles.js";
import type { PresentFile } from "./presentFile.js";

/** The places that the planned changes of a rewind free. */
export class FreedPaths {
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();

  /** A change is planned. */
  add({ path, after, madeFolder }: NewChange): void {
    if (after !== undefined) return;
    this.#files.add(path);
    if (madeFolder !== undefined) this.#folders.add(madeFolder);
  }

  /** What will be at a path when the places are free; `present` is what is there now. */
  freed(path: string, present: PresentFile): PresentFile {
    const isFreed =
      present.kind === "other"
        ? this.#folders.has(path)
        : present.kind === "missing" && this.above(path) !== undefined;
    return isFreed ? { kind: "missing" } : present;
  }

  /** The freed file that is in the place of a folder of a path. The folder has to be made again. */
  above(path: string): string | undefined {
    for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
      if (this.#files.has(folder)) return folder;
    }
    return undefined;
  }
}

/** Those that get no content back come first. */
export function removedFirst<T>(all: readonly T[], target: (one: T) => unknown): T[] {
  const isRemoved = (one: T) => target(one) === undefined;
  return [...all.filter(isRemoved), ...all.filter((one) => !isRemoved(one))];
}
