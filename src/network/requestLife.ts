// What ends a request over HTTP too early: its signal, silence, and faults of the connection.
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/** How long a request may wait, in milliseconds. */
export interface Patience {
  /** For anything that the other side sends; `Infinity`: for ever. */
  readonly silenceMs: number;
  /** For a connection. */
  readonly connectMs?: number;
}

const usualConnectMs = 10_000;

/** One request, from its beginning to the end of its answer. */
export class RequestLife {
  readonly #request: ClientRequest;
  /** Why it was ended, where that was somebody's will. */
  #reason: { readonly why: unknown } | undefined;
  /** The fault for which it was ended here; the connection then tells another. */
  #fault: Error | undefined;

  #hasAnswer = false;

  constructor(
    request: ClientRequest,
    signal: AbortSignal | undefined,
    { silenceMs, connectMs = usualConnectMs }: Patience,
  ) {
    this.#request = request;
    const onAbort = () => {
      this.#reason ??= { why: signal?.reason };
      request.destroy();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    request.once("close", () => signal?.removeEventListener("abort", onAbort));
    request.on("timeout", () => {
      const code = this.#hasAnswer ? "UND_ERR_BODY_TIMEOUT" : "UND_ERR_HEADERS_TIMEOUT";
      this.#end(code, `nothing came for ${silenceMs} ms`);
    });
    request.once("socket", (socket) => this.#boundConnecting(socket, connectMs));
  }

  #end(code: string, message: string): void {
    this.#fault ??= fault(code, message);
    this.#request.destroy(this.#fault);
  }

  /** A connection that was made before needs no bound. */
  #boundConnecting(socket: Socket, connectMs: number): void {
    if (!socket.connecting) return;
    const timer = setTimeout(() => {
      this.#end("UND_ERR_CONNECT_TIMEOUT", `no connection within ${connectMs} ms`);
    }, connectMs);
    const stop = () => clearTimeout(timer);
    socket.once("encrypted" in socket ? "secureConnect" : "connect", stop);
    socket.once("close", stop);
  }

  /** The answer's head. */
  answered(): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      this.#request.once("response", (answer) => {
        this.#hasAnswer = true;
        resolve(answer);
      });
      // Once there is an answer, its body tells what goes wrong. These still come: an error that nobody
      // hears would end the process, and every request is closed at last. An error made for nothing costs
      // what a small request does.
      this.#request.on("error", (error) => {
        if (!this.#hasAnswer) reject(this.failure("fetch failed", error));
      });
      this.#request.once("close", () => {
        if (this.#hasAnswer) return;
        reject(this.failure("fetch failed", fault("ECONNRESET", "the connection was closed")));
      });
    });
  }

  /** What a reader gets for a failure: the reason of an abort, or an error that names the cause. */
  failure(what: "fetch failed" | "terminated", cause: unknown): unknown {
    if (this.#reason !== undefined) return this.#reason.why;
    return new TypeError(what, { cause: this.#fault ?? cause });
  }

  /** Nobody reads any more. */
  leave(): void {
    this.#request.destroy();
  }
}

/** An error with the code by which the failures of connections are known; the platform's `fetch` has the same. */
export function fault(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
