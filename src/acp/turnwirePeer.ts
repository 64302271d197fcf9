// Turnwire's own messages, seen from the client's side, without the pipe that carries them.
import { messageOf } from "../base/errors.js";
import type {
  FileRead,
  FileWrite,
  InputRequest,
  MethodName,
  Params,
  PermissionQuestion,
  Result,
  ServerNotification,
} from "../protocol/registry.js";
import {
  FileHasChanged,
  type FromServer,
  RefusedRequest,
  type TurnwireConnection,
} from "./turnwireConnection.js";

/** A JSON-RPC message, as far as it is looked at here. */
export interface PeerMessage {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly data?: { readonly name?: unknown } };
}

interface Waiting {
  resolve(result: unknown): void;
  reject(reason: unknown): void;
}

/** One client of the server. */
export class TurnwirePeer implements TurnwireConnection {
  readonly #fromServer: FromServer;
  readonly #post: (message: object) => void;
  readonly #end: () => void;
  readonly #waiting = new Map<number, Waiting>();
  readonly #asked = new Map<unknown, AbortController>();
  #lastId = 0;
  #isClosed = false;

  /** `post` hands a message to the server; `end` ends the connection. */
  constructor(fromServer: FromServer, post: (message: object) => void, end: () => void) {
    this.#fromServer = fromServer;
    this.#post = post;
    this.#end = end;
  }

  request<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> {
    if (this.#isClosed) return Promise.reject(gone());
    const id = ++this.#lastId;
    return new Promise<Result<M>>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#post({ jsonrpc: "2.0", id, method, params });
    });
  }

  /**
   * Takes a message of the server. Of a notification it resolves when that has been handled: who carries
   * the messages waits for it, and so the server does.
   */
  async deliver(message: PeerMessage): Promise<void> {
    const { id, method, params } = message;
    if (this.#isClosed) return;
    if (method === undefined) this.#answered(message);
    else if (id !== undefined) void this.#ask(id, method, params);
    else if (method === "$/cancelRequest") this.#withdraw(params);
    else await this.#fromServer.notified({ method, params } as ServerNotification);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { reject } of this.#waiting.values()) reject(gone());
    this.#waiting.clear();
    for (const controller of this.#asked.values()) controller.abort(gone());
    this.#end();
  }

  #answered({ id, result, error }: PeerMessage): void {
    const waiting = this.#waiting.get(Number(id));
    if (waiting === undefined) return;
    this.#waiting.delete(Number(id));
    if (error === undefined) waiting.resolve(result);
    else waiting.reject(new RefusedRequest(error.message, String(error.data?.name)));
  }

  async #ask(id: unknown, method: string, params: unknown): Promise<void> {
    const controller = new AbortController();
    this.#asked.set(id, controller);
    try {
      const result = await this.#answerTo(method, params, controller.signal);
      this.#reply({ id, result });
    } catch (error) {
      const code = error instanceof FileHasChanged ? error.code : -32603;
      this.#reply({ id, error: { code, message: messageOf(error) } });
    } finally {
      this.#asked.delete(id);
    }
  }

  #answerTo(method: string, params: unknown, signal: AbortSignal): Promise<unknown> {
    if (method === "requestPermission") {
      return this.#fromServer.permissionAsked(params as PermissionQuestion, signal);
    }
    if (method === "requestInput") {
      return this.#fromServer.inputAsked(params as InputRequest, signal);
    }
    if (method === "readFile") return this.#fromServer.fileAsked(params as FileRead, signal);
    if (method === "writeFile") return this.#fromServer.fileGiven(params as FileWrite, signal);
    return Promise.reject(new Error(`${method} is not answered here`));
  }

  #reply(answer: object): void {
    if (!this.#isClosed) this.#post({ jsonrpc: "2.0", ...answer });
  }

  #withdraw(params: unknown): void {
    const id =
      typeof params === "object" && params !== null && "id" in params ? params.id : undefined;
    this.#asked.get(id)?.abort(new Error("the question was withdrawn"));
  }
}

function gone(): RefusedRequest {
  return new RefusedRequest("The connection to the server has ended.", "ConnectionClosed");
}
