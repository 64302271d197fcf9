/** Writes a recording: JSON, one entry a line, in a file of the user's own and of bounded size. */
import { closeSync, fchmodSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";
import { defined } from "../base/defined.js";
import type { Entry, RecordingHeader } from "./entries.js";
import { toLspLine } from "./lspFormat.js";

export type RecordingFormat = "turnwire" | "lsp";

/** How a recording is written. */
export interface RecordingOptions {
  readonly path: string;
  readonly format: RecordingFormat;
  /** How much the file and the one before it may have together, in bytes. */
  readonly mostBytes: number;
  readonly hidesContents: boolean;
  now(): number;
}

/**
 * A recording that is being written. When the file has half of the size that is allowed, it becomes
 * `FILE.1`, in the place of an older one, and a new file begins.
 */
export class RecordingFile {
  readonly #options: RecordingOptions;
  #file: number;
  /** Whether it is a file, and no pipe or device: those keep their permissions, and their name. */
  #isRegular: boolean;
  #bytes = 0;

  /** @throws Error of the system where the file cannot be made. */
  constructor(options: RecordingOptions) {
    this.#options = options;
    ({ file: this.#file, isRegular: this.#isRegular } = openPrivately(options.path));
    this.#begin(false);
  }

  /** @throws Error of the system where it cannot be written, as with a full disk. */
  write(entry: Entry): void {
    const line = this.#options.format === "lsp" ? toLspLine(entry) : JSON.stringify(entry);
    if (line === undefined) return;
    this.#put(`${line}\n`);
    if (this.#isRegular && this.#bytes >= this.#options.mostBytes / 2) this.#turnOver();
  }

  close(): void {
    closeSync(this.#file);
  }

  #turnOver(): void {
    const { path } = this.#options;
    closeSync(this.#file);
    renameSync(path, `${path}.1`);
    ({ file: this.#file, isRegular: this.#isRegular } = openPrivately(path));
    this.#bytes = 0;
    this.#begin(true);
  }

  #begin(isContinued: boolean): void {
    const { format, hidesContents, now } = this.#options;
    if (format === "lsp") return;
    const header: RecordingHeader = {
      recording: "turnwire",
      version: 1,
      at: now(),
      hidden: hidesContents,
      ...defined({ continued: isContinued || undefined }),
    };
    this.#put(`${JSON.stringify(header)}\n`);
  }

  #put(text: string): void {
    const bytes = Buffer.from(text);
    let written = 0;
    while (written < bytes.length) written += writeSync(this.#file, bytes, written);
    this.#bytes += bytes.length;
  }
}

/** A file that was there before keeps no permissions of others. */
function openPrivately(path: string): { file: number; isRegular: boolean } {
  const file = openSync(path, "w", 0o600);
  try {
    const isRegular = fstatSync(file).isFile();
    if (isRegular) fchmodSync(file, 0o600);
    return { file, isRegular };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}
