import type { FileVersion } from "./files/open.js";

/** What the tools remember of a session, in memory alone. */
export class SessionState {
  /** The folder of the next command; undefined for the workspace itself. */
  workingDirectory: string | undefined;
  readonly #versions = new Map<string, FileVersion>();

  /** Notes which version of a file (by its real path) the model knows. */
  remember(real: string, version: FileVersion): void {
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
}
