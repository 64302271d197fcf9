/** The file that gets the output of `turnwire run -o`, in the place of stdout. */
import type { Output } from "./runOutput.js";
import { writeFileWhole } from "./writeFileWhole.js";

/** Keeps the output until it is complete. */
export class OutputFile implements Output {
  readonly #path: string;
  readonly #pieces: string[] = [];
  #failure: Error | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  async write(text: string): Promise<void> {
    this.#pieces.push(text);
  }

  /** Writes the whole output so far to the file. Never rejects; `failure` has the error. */
  async finish(): Promise<void> {
    try {
      await writeFileWhole(this.#path, this.#pieces.join(""));
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    }
  }

  release(): void {
    this.#pieces.length = 0;
  }
}
