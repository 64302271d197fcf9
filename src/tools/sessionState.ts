import { defined } from "../base/defined.js";
import type { ToolMemory } from "../base/toolMemory.js";
import type { FileVersion } from "./files/open.js";

/** How many files, and characters of their paths and versions, go to the next server. */
const mostFilesTold = 200;
const mostCharactersTold = 16 * 1024;

/** What the tools remember of a session, in memory. A run that goes on takes it to the next server. */
export class SessionState {
  /** The folder of the next command; undefined for the workspace itself. */
  workingDirectory: string | undefined;
  /** By real path; the newest last. */
  readonly #versions = new Map<string, FileVersion>();

  /** Notes which version of a file (by its real path) the model knows. */
  remember(real: string, version: FileVersion): void {
    this.#versions.delete(real);
    this.#versions.set(real, version);
  }

  /** The model has to read the file again: nobody knows what it holds. */
  forget(real: string): void {
    this.#versions.delete(real);
  }

  /** The version of a file that the model knows. */
  knownVersion(real: string): FileVersion | undefined {
    return this.#versions.get(real);
  }

  /** What is remembered, of files the newest; undefined if it is nothing. */
  get memory(): ToolMemory | undefined {
    const folder = this.workingDirectory;
    const files: [string, FileVersion][] = [];
    let room = mostCharactersTold;
    for (const [real, version] of [...this.#versions].reverse()) {
      room -= real.length + version.length;
      if (room < 0 || files.length === mostFilesTold) break;
      files.unshift([real, version]);
    }
    if (folder === undefined && files.length === 0) return undefined;
    return { ...defined({ folder }), files };
  }

  /** Remembers what an earlier server did, and nothing else. */
  restore({ folder, files }: ToolMemory): void {
    this.workingDirectory = folder;
    this.#versions.clear();
    for (const [real, version] of files) this.remember(real, version);
  }
}
