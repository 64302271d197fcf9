// Takes the output of a command, of any length. The beginning and the end are kept in memory, and
// the whole output in a file.
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { stripVTControlCharacters } from "node:util";
import { makeFolder } from "../base/makeFolder.js";
import { cutText, cutTextStart, formatBytes, formatCount } from "../base/text.js";

/** Characters kept of the beginning, and of the end. */
const headLength = 12_000;
const tailLength = 18_000;
/**
 * Bytes that are held in memory before the file is begun: output that is shown whole needs no file.
 */
const pendingBytes = headLength + tailLength;
/** The file takes no more than this. */
const maxFileBytes = 256 * 1024 * 1024;
/** How many characters are streamed to clients. The result replaces them. */
const maxStreamed = 32_000;

export interface OutputOptions {
  /** The file for the whole output. It is made when the output does not fit into the result. */
  readonly file: string;
  /** Receives the output as it arrives, up to a bound. */
  readonly onOutput: (delta: string) => void;
}

/** One command's output. */
export class OutputCollector {
  readonly #options: OutputOptions;
  readonly #decoder = new StringDecoder("utf8");
  #head = "";
  #tail = "";
  /** Characters beyond the head. */
  #beyondHead = 0;
  #streamed = 0;
  #pending: Buffer[] = [];
  #bytes = 0;
  #fileBytes = 0;
  #file: FileHandle | undefined;
  #hasFile = false;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  /** Takes the next bytes. Await it before the next call, so that memory stays bounded. */
  async add(chunk: Buffer): Promise<void> {
    this.#bytes += chunk.length;
    this.#addText(this.#decoder.write(chunk));
    this.#pending.push(chunk);
    if (this.#bytes > pendingBytes) await this.#writePending();
  }

  /** Ends the output. */
  async close(): Promise<void> {
    this.#addText(this.#decoder.end());
    this.#pending = [];
    await this.#file?.close();
    this.#file = undefined;
  }

  /** The output for the model: whole, or without its middle and with the name of the file. */
  text(): string {
    const omitted = this.#beyondHead - Math.min(this.#tail.length, tailLength);
    if (omitted <= 0) return plain(this.#head + this.#tail);
    const tail = cutTextStart(this.#tail, tailLength);
    return `${plain(this.#head)}\n\n[… ${formatCount(omitted)} characters are left out here. ${this.#whereTheWholeIs()}]\n\n${plain(tail)}`;
  }

  #whereTheWholeIs(): string {
    if (!this.#hasFile) return "The whole output was not kept.";
    const isCut = this.#fileBytes < this.#bytes;
    const what = isCut ? `The first ${formatBytes(this.#fileBytes)}` : "The whole output";
    return `${what} can be read with \`read\`: ${this.#options.file}`;
  }

  #addText(text: string): void {
    const head = cutText(text, headLength - this.#head.length);
    // Once something has gone to the tail, everything after it goes there too.
    const fits = this.#beyondHead === 0 ? head : "";
    this.#head += fits;
    const rest = text.slice(fits.length);
    this.#beyondHead += rest.length;
    this.#tail += rest;
    if (this.#tail.length > tailLength * 2) this.#tail = cutTextStart(this.#tail, tailLength);
    this.#stream(text);
  }

  #stream(text: string): void {
    if (text === "" || this.#streamed >= maxStreamed) return;
    const shown = cutText(text, maxStreamed - this.#streamed);
    this.#streamed = shown.length < text.length ? maxStreamed : this.#streamed + shown.length;
    this.#options.onOutput(shown);
    if (this.#streamed >= maxStreamed) this.#options.onOutput("\n[… the output goes on]\n");
  }

  async #writePending(): Promise<void> {
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    const part = bytes.subarray(0, maxFileBytes - this.#fileBytes);
    if (part.length === 0) return;
    this.#file ??= await this.#openFile();
    await this.#file.appendFile(part);
    this.#fileBytes += part.length;
  }

  async #openFile(): Promise<FileHandle> {
    await makeFolder(dirname(this.#options.file), { mode: 0o700 });
    const file = await open(this.#options.file, "wx", 0o600);
    this.#hasFile = true;
    return file;
  }
}

/** Colours and cursor movements are for terminals. */
function plain(text: string): string {
  return stripVTControlCharacters(text);
}
