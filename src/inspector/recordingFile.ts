/** Writes a recording: JSON, one entry a line, in a file of the user's own and of bounded size. */
import {
  closeSync,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
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

/** How often it is looked whether the file still has its name, in milliseconds. */
const lookMs = 1_000;

/**
 * A recording that is being written. When the file has half of the size that is allowed, it becomes
 * `FILE.1`, in the place of an older one, and a new file begins. Where another program begins to record
 * under the same name, that one has it.
 */
export class RecordingFile {
  readonly #options: RecordingOptions;
  #file: number;
  /** Whether it is a file, and no pipe or device: those keep their permissions, and their name. */
  #isRegular: boolean;
  #bytes = 0;
  #lookedAt: number;

  /** @throws Error of the system where the file cannot be made. */
  constructor(options: RecordingOptions) {
    this.#options = options;
    ({ file: this.#file, isRegular: this.#isRegular } = openPrivately(options.path));
    this.#lookedAt = options.now();
    this.#begin(false);
  }

  /**
   * @throws Error of the system where it cannot be written, as with a full disk, or where another program
   *   records under its name now.
   */
  write(entry: Entry): void {
    if (Math.abs(this.#options.now() - this.#lookedAt) >= lookMs) this.#look();
    const line = this.#options.format === "lsp" ? toLspLine(entry) : JSON.stringify(entry);
    if (line === undefined) return;
    this.#put(`${line}\n`);
    if (this.#isRegular && this.#bytes >= this.#options.mostBytes / 2) this.#turnOver();
  }

  /** @throws Error where another program records under its name now. */
  close(): void {
    try {
      this.#look();
    } finally {
      closeSync(this.#file);
    }
  }

  /** A file that its user has moved away is still the recording. */
  #look(): void {
    this.#lookedAt = this.#options.now();
    if (!this.#isRegular) return;
    const own = fstatSync(this.#file);
    const named = statSync(this.#options.path, { throwIfNoEntry: false });
    if (named === undefined || (named.ino === own.ino && named.dev === own.dev)) return;
    throw new Error(`another program records to ${this.#options.path} now`);
  }

  #turnOver(): void {
    const { path } = this.#options;
    this.#look();
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

/**
 * A file that was there before keeps no permissions of others. It is taken away first: a program that still
 * writes it must not write into this one.
 */
function openPrivately(path: string): { file: number; isRegular: boolean } {
  try {
    if (lstatSync(path).isFile()) rmSync(path);
  } catch {
    // It is not there, or stays, and is written over.
  }
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
