// An editor that has `turnwire acp` as its child: the SDK's own client over real pipes. Every line that
// the agent writes is checked with the SDK's own schemas; `endEditors` fails the file where one is wrong.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, type Writable } from "node:stream";
import {
  type ClientCapabilities,
  type ClientConnection,
  client,
  type NewSessionResponse,
  ndJsonStream,
  type PromptResponse,
  RequestError,
  type RequestPermissionRequest,
  type RequestPermissionResponse,
  type SessionUpdate,
} from "@agentclientprotocol/sdk";
import { expect, inject } from "vitest";
import { type FrameKind, problemsOf } from "../helpers/acpSchemas.js";
import { testNode } from "../helpers/testNode.js";

/** A JSON-RPC message of the agent. */
export interface Frame {
  readonly jsonrpc?: string;
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: { readonly sessionId?: string; readonly update?: SessionUpdate };
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** How an editor is started. */
export interface EditorOptions {
  readonly dataDir?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly capabilities?: ClientCapabilities;
  /** Is waited for before a file is read. */
  readonly onRead?: (path: string) => Promise<void>;
  /** Answers questions; without it, they are allowed once. */
  readonly onPermission?: (
    request: RequestPermissionRequest,
    signal: AbortSignal,
  ) => RequestPermissionResponse | Promise<RequestPermissionResponse>;
}

const editors = new Set<Editor>();
const folders: string[] = [];

/** A new empty folder, by its real path; removed by {@link endEditors}. */
export function makeFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "turnwire-acp-")));
  folders.push(folder);
  return folder;
}

/** Ends every editor of a test file, and checks what each agent has written. For `afterAll`. */
export async function endEditors(): Promise<void> {
  const all = [...editors];
  editors.clear();
  await Promise.all(all.map((editor) => editor.kill()));
  // What an editor has started ends by itself, a moment after it.
  for (const folder of folders.splice(0))
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  expect(all.flatMap(({ violations }) => violations)).toEqual([]);
}

/** An editor and its agent. */
export class Editor {
  readonly dataDir: string;
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly connection: ClientConnection;
  readonly frames: Frame[] = [];
  readonly violations: string[] = [];
  readonly questions: RequestPermissionRequest[] = [];
  /** What the editor has not saved, by path. */
  readonly buffers = new Map<string, string>();
  readonly exited: Promise<number | null>;
  /** What every request about a file is answered with, in the place of what the editor has. */
  answersFiles: unknown;
  stderr = "";
  readonly #capabilities: ClientCapabilities;
  /** The methods of the requests that are open, by their ids. */
  readonly #asked = new Map<unknown, string>();

  constructor(options: EditorOptions = {}) {
    const error = inject("buildError");
    if (error !== "") throw new Error(`the server could not be built: ${error}`);
    this.dataDir = options.dataDir ?? makeFolder();
    this.#capabilities = options.capabilities ?? {};
    const home = makeFolder();
    const args = ["acp", "--data-dir", this.dataDir, ...(options.args ?? [])];
    this.child = spawn(testNode, [inject("serverScript"), ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, ...options.env },
    });
    this.child.stderr.on("data", (text: Buffer) => {
      this.stderr = (this.stderr + text.toString()).slice(-5000);
    });
    this.child.stdin.on("error", () => {});
    this.exited = once(this.child, "close").then(([code]) => code);
    this.connection = this.#connect(options);
    editors.add(this);
  }

  get agent() {
    return this.connection.agent;
  }

  /** `initialize`, and a session in a folder. */
  async open(cwd = makeFolder()): Promise<NewSessionResponse & { cwd: string }> {
    await this.greet();
    return { ...(await this.agent.request("session/new", { cwd, mcpServers: [] })), cwd };
  }

  greet() {
    return this.agent.request("initialize", {
      protocolVersion: 1,
      clientCapabilities: this.#capabilities,
      clientInfo: { name: "test", version: "1" },
    });
  }

  prompt(sessionId: string, text: string): Promise<PromptResponse> {
    return this.agent.request("session/prompt", { sessionId, prompt: [{ type: "text", text }] });
  }

  /**
   * Resolves once a request of this method was handed to the pipe. The SDK writes later than it is called;
   * where the input has ended by then, it gives the whole connection up, and reads no more either.
   */
  async sent(method: string): Promise<void> {
    while (![...this.#asked.values()].includes(method)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Every update of a session so far. */
  updates(sessionId: string): SessionUpdate[] {
    return this.frames.flatMap(({ method, params }) =>
      method === "session/update" && params?.sessionId === sessionId && params.update !== undefined
        ? [params.update]
        : [],
    );
  }

  /** All text that the agent said in a session. */
  said(sessionId: string): string {
    return this.updates(sessionId)
      .map((update) =>
        update.sessionUpdate === "agent_message_chunk" && update.content.type === "text"
          ? update.content.text
          : "",
      )
      .join("");
  }

  /** Resolves once `look` finds something. */
  async until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      await once(this.child.stdout, "data");
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Ends the input, as an editor does that closes well. */
  async end(): Promise<number | null> {
    this.child.stdin.end();
    return this.exited;
  }

  /** What most editors do when their window closes. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.exited;
  }

  #connect({ onPermission, onRead }: EditorOptions): ClientConnection {
    const app = client({ name: "test" })
      .onNotification("session/update", () => {})
      .onRequest("session/request_permission", ({ params, signal }) => {
        this.questions.push(params);
        if (onPermission !== undefined) return onPermission(params, signal);
        return { outcome: { outcome: "selected", optionId: "allow" } };
      });
    app
      .onRequest("fs/read_text_file", async ({ params: { path } }) => {
        await onRead?.(path);
        if (this.answersFiles !== undefined) return this.answersFiles as { content: string };
        const content = this.buffers.get(path);
        if (content === undefined) throw RequestError.resourceNotFound(path);
        return { content };
      })
      .onRequest("fs/write_text_file", ({ params: { path, content } }) => {
        if (this.answersFiles === undefined) this.buffers.set(path, content);
        return {};
      });
    const output = new WritableStream<Uint8Array>({
      write: (bytes) => {
        this.#noteAsked(Buffer.from(bytes).toString());
        return new Promise((resolve, reject) =>
          this.child.stdin.write(bytes, (error) => (error ? reject(error) : resolve())),
        );
      },
    });
    let rest = "";
    this.child.stdout.on("data", (bytes: Buffer) => {
      const lines = (rest + bytes.toString("latin1")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#check(Buffer.from(line, "latin1"));
    });
    const input = Readable.toWeb(this.child.stdout) as ReadableStream<Uint8Array>;
    return app.connect(ndJsonStream(output, input));
  }

  #noteAsked(text: string): void {
    for (const line of text.split("\n")) {
      if (line === "") continue;
      const { id, method } = JSON.parse(line) as Frame;
      if (id !== undefined && method !== undefined) this.#asked.set(id, method);
    }
  }

  #check(bytes: Buffer): void {
    let frame: Frame;
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      frame = JSON.parse(text) as Frame;
    } catch (error) {
      this.violations.push(`no JSON in UTF-8: ${bytes.toString()} (${String(error)})`);
      return;
    }
    this.frames.push(frame);
    if (frame.jsonrpc !== "2.0") this.violations.push(`no JSON-RPC: ${JSON.stringify(frame)}`);
    if (frame.method === undefined) this.#checkAnswer(frame);
    else {
      const kind = frame.id === undefined ? "Notification" : "Request";
      this.#checkWith(frame.method, kind, frame.params, frame);
    }
  }

  #checkAnswer(frame: Frame): void {
    const method = this.#asked.get(frame.id);
    if (method === undefined || frame.result === undefined) return;
    this.#checkWith(method, "Response", frame.result, frame);
  }

  #checkWith(method: string, kind: FrameKind, value: unknown, frame: Frame): void {
    for (const problem of problemsOf(method, kind, value)) {
      this.violations.push(`${problem}: ${JSON.stringify(frame)}`);
    }
  }
}
