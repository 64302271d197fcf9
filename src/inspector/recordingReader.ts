/** Reads a recording, of our own or of LSP Inspector's. Secrets are replaced again on the way. */
import { createReadStream, existsSync } from "node:fs";
import { LineSplitter } from "../base/lineSplitter.js";
import { cleanedEntry } from "./cleanedEntry.js";
import type { Entry } from "./entries.js";
import { entryOf, isObject } from "./entryOf.js";
import { fromLspItem, fromLspLine } from "./lspFormat.js";
import { cutNesting } from "./nesting.js";
import type { Redaction } from "./redaction.js";

/** A longer line is no entry of ours. */
const mostLineBytes = 32 * 1024 * 1024;

/** What was read. */
export interface ReadRecording {
  readonly entries: number;
  /** Lines that were no entries. */
  readonly unread: number;
  /** Whether its contents were left out when it was made. */
  readonly hidden: boolean;
}

/** How a recording is read. */
export interface ReadOptions {
  readonly redaction: Redaction;
  readonly hidesContents: boolean;
  onEntry(entry: Entry): void;
}

/**
 * Reads a recording, and the part before it where there is one.
 *
 * @throws Error of the system where it cannot be read, and an `Error` where it is no recording.
 */
export async function readRecording(path: string, options: ReadOptions): Promise<ReadRecording> {
  const reader = new Reader(options);
  const before = beforeOf(path);
  if ((await isContinued(path)) && existsSync(before)) await reader.read(before);
  await reader.read(path);
  const { found } = reader;
  if (found.entries === 0 && found.unread > 0) {
    throw new Error(`${path} is no recording of turnwire, and none of LSP Inspector`);
  }
  return found;
}

/** Where the part before a recording is, if it has one. */
export function beforeOf(path: string): string {
  return `${path}.1`;
}

async function isContinued(path: string): Promise<boolean> {
  for await (const text of linesOf(path)) {
    const value = jsonIn(text);
    return isObject(value) && value.continued === true;
  }
  return false;
}

class Reader {
  readonly #options: ReadOptions;
  #entries = 0;
  #unread = 0;
  #hidden = false;

  constructor(options: ReadOptions) {
    this.#options = options;
  }

  get found(): ReadRecording {
    return { entries: this.#entries, unread: this.#unread, hidden: this.#hidden };
  }

  async read(path: string): Promise<void> {
    for await (const text of linesOf(path)) if (text.trim() !== "") this.#line(text);
  }

  #line(text: string): void {
    const value = cutNesting(jsonIn(text));
    // LSP Inspector's own examples are one list.
    const items: unknown[] = Array.isArray(value) ? value : [value];
    for (const item of items) {
      if (isObject(item) && item.recording === "turnwire") {
        this.#hidden ||= item.hidden === true;
        continue;
      }
      const entry = entryOf(item) ?? fromLspItem(item) ?? fromLspLine(text);
      if (entry === undefined) this.#unread += 1;
      else this.#add(entry);
    }
  }

  #add(entry: Entry): void {
    this.#entries += 1;
    const { redaction, hidesContents, onEntry } = this.#options;
    onEntry(cleanedEntry(entry, redaction, hidesContents));
  }
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const lines = new LineSplitter(mostLineBytes);
  for await (const chunk of createReadStream(path)) {
    for (const { text } of lines.push(chunk as Buffer)) yield text;
  }
  for (const { text } of lines.end()) yield text;
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
