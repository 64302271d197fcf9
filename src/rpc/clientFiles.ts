// The files that clients have in their editors (protocol.md section 7, Files of the editor): which
// connection is asked, and what its answers mean.
import { toUSVString } from "node:util";
import type { MessageConnection } from "vscode-jsonrpc/node";
import type { Clock } from "../base/clock.js";
import {
  type EditorFile,
  type EditorFiles,
  type EditorRead,
  type EditorWrite,
  mostEditorBytes,
} from "../base/editorFiles.js";
import { errorTable } from "../base/errors.js";
import { type Log, logAbout } from "../base/log.js";
import { cutText } from "../base/text.js";
import {
  type FileRead,
  type FileReadAnswer,
  type FileWrite,
  serverMethods,
} from "../protocol/registry.js";
import { type ClientAnswer, requestClient } from "./clientRequest.js";

/** A connection whose client may have an editor. */
interface FileConnection {
  readonly connection: MessageConnection;
  /** Whether the connection belongs to this client. */
  isOf(clientId: string): boolean;
  /** Whether the client answers for files. */
  readonly hasFiles: boolean;
}

interface Holder {
  readonly of: FileConnection;
  readonly left: AbortController;
}

/** The run that files are asked for. */
export type RunOfFiles = Omit<FileRead, "path">;

/** How long a client may take for an answer, in milliseconds. */
const patienceMs = 30_000;
/** The longest part of a client's error that the model gets, in UTF-16 units. */
const mostErrorText = 2_000;

/** The files of every connection. */
export class ClientFiles {
  readonly #clock: Clock;
  readonly #log: Log;
  /** In the order of connecting. */
  readonly #holders = new Set<Holder>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Makes a connection known; returns what is to be called once when the client has gone. */
  add(connection: FileConnection): () => void {
    const holder: Holder = { of: connection, left: new AbortController() };
    this.#holders.add(holder);
    return () => {
      this.#holders.delete(holder);
      holder.left.abort();
    };
  }

  /** The files of a client. What it has answered is remembered for the returned object alone. */
  ofRun(run: RunOfFiles, clientId: string): EditorFiles {
    const answered = new Set<string>();
    return {
      hasAnswered: (path) => answered.has(path),
      read: (path, signal) => this.#read({ ...run, path }, clientId, answered, signal),
    };
  }

  async #read(
    params: FileRead,
    clientId: string,
    answered: Set<string>,
    signal: AbortSignal,
  ): Promise<EditorRead> {
    signal.throwIfAborted();
    const holder = [...this.#holders].reverse().find(({ of }) => of.hasFiles && of.isOf(clientId));
    if (holder === undefined) {
      if (!answered.has(params.path)) return { kind: "noEditor" };
      return failed(
        "The editor that has this file is no longer connected, so the file cannot be used now.",
      );
    }
    const answer = await this.#ask(holder, "readFile", params, signal);
    if (answer.kind !== "result") return failed(whyNotRead(answer));
    const parsed = serverMethods.readFile.result().safeParse(answer.result);
    if (!parsed.success || !isText(parsed.data)) {
      logAbout(this.#log, params).warn({ method: "readFile" }, "a client gave a malformed answer");
      return failed("The editor answered with something that is no file's content.");
    }
    if ("missing" in parsed.data) {
      answered.add(params.path);
      return { kind: "file", file: this.#file(holder, params, undefined, null) };
    }
    const { content, version } = parsed.data;
    if (Buffer.byteLength(content) > mostEditorBytes) {
      return failed("The file is larger in the editor than the 10 MiB that are taken from one.");
    }
    answered.add(params.path);
    return { kind: "file", file: this.#file(holder, params, content, version) };
  }

  #file(
    holder: Holder,
    params: FileRead,
    content: string | undefined,
    version: FileWrite["version"],
  ): EditorFile {
    return {
      content,
      replace: (next, signal) => this.#write(holder, { ...params, content: next, version }, signal),
    };
  }

  /** The version belongs to one connection, so no other connection is asked. */
  async #write(holder: Holder, params: FileWrite, signal: AbortSignal): Promise<EditorWrite> {
    signal.throwIfAborted();
    if (!this.#holders.has(holder)) {
      return {
        kind: "refused",
        message:
          "The editor that had the file has gone; nothing was written. Read it again with `read`.",
      };
    }
    const answer = await this.#ask(holder, "writeFile", params, signal);
    switch (answer.kind) {
      case "result":
        if (serverMethods.writeFile.result().safeParse(answer.result).success) {
          return { kind: "written" };
        }
        logAbout(this.#log, params).warn(
          { method: "writeFile" },
          "a client gave a malformed answer",
        );
        return unknown("The editor answered the write with something that is no answer to it.");
      case "error":
        if (answer.code === errorTable.FileChanged.code) {
          return {
            kind: "refused",
            message:
              "The file was changed in the editor just now; nothing was written. Read it again with `read`.",
          };
        }
        return unknown(`The editor could not write it: ${cutText(answer.message, mostErrorText)}`);
      case "silent":
        return unknown(
          `The editor gave no answer to the write within ${patienceMs / 1000} seconds, so it was withdrawn.`,
        );
      case "gone":
        return unknown("The editor went away during the write.");
    }
  }

  #ask(
    { of: { connection }, left }: Holder,
    method: "readFile" | "writeFile",
    params: object,
    signal: AbortSignal,
  ): Promise<ClientAnswer> {
    const reached = { connection, gone: left.signal };
    return requestClient(reached, method, params, {
      signal,
      timeoutMs: patienceMs,
      clock: this.#clock,
    });
  }
}

/** Half of a surrogate pair cannot be saved, so a text with one is no file's content. */
function isText(answer: FileReadAnswer): boolean {
  const content = "content" in answer ? answer.content : undefined;
  return content === undefined || toUSVString(content) === content;
}

function whyNotRead(answer: Exclude<ClientAnswer, { readonly kind: "result" }>): string {
  switch (answer.kind) {
    case "error":
      return `The editor could not read it: ${cutText(answer.message, mostErrorText)}`;
    case "silent":
      return `The editor gave no answer within ${patienceMs / 1000} seconds. Try again.`;
    case "gone":
      return "The editor went away before it answered. Try again.";
  }
}

function failed(message: string): EditorRead {
  return { kind: "failed", message };
}

function unknown(why: string): EditorWrite {
  const message = `${why} Whether the file was changed is not known: read it again with \`read\`.`;
  return { kind: "unknown", message };
}
