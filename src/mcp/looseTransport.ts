// Passes a tool server's answers around the strict checks of the package. The package refuses a
// whole list for one invalid tool, and a whole result for one unknown block. Instead, messages.ts
// decides what is read of an answer, for both eras of the protocol.
import type {
  JSONRPCMessage,
  StandardSchemaV1,
  Transport,
  TransportSendOptions,
} from "@modelcontextprotocol/client";

/** An answer that is valid for every method that is called through {@link LooseTransport}. */
const validForAll = {
  resultType: "complete",
  ttlMs: 0,
  cacheScope: "private",
  tools: [],
  content: [],
  resources: [],
  resourceTemplates: [],
  contents: [],
  prompts: [],
  messages: [],
};

const looseMethods: ReadonlySet<string> = new Set([
  "tools/list",
  "tools/call",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "prompts/list",
  "prompts/get",
]);

/** The code of an error that no server has sent. */
const streamEnded = -32000;

/**
 * Sits between the package's client and a transport. It puts the answers to {@link looseMethods}
 * into an envelope that the client accepts. {@link answerIn} opens the envelope.
 */
export class LooseTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly hasPerRequestStream: boolean;
  readonly #inner: Transport;
  /** The ids of the requests whose answers are awaited. */
  readonly #asked = new Set<string | number>();
  /** Those that no answer has come to. */
  readonly #open = new Set<string | number>();
  /** What the inner transport has just complained of. */
  #complaint: string | undefined;

  constructor(inner: Transport) {
    this.#inner = inner;
    this.hasPerRequestStream = inner.hasPerRequestStream ?? false;
  }

  get sessionId(): string | undefined {
    return this.#inner.sessionId;
  }

  setProtocolVersion(version: string): void {
    this.#inner.setProtocolVersion?.(version);
  }

  async start(): Promise<void> {
    this.#inner.onclose = () => this.onclose?.();
    this.#inner.onerror = (error) => this.#complain(error);
    this.#inner.onmessage = (message) => this.onmessage?.(this.#enveloped(message));
    await this.#inner.start();
  }

  send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    this.#note(message, options?.requestSignal);
    return this.#inner.send(message, this.#untilStreamEnds(message, options));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /**
   * Makes a request fail when the stream of its answer has ended without one. The package would leave it
   * open until its time is over.
   */
  #untilStreamEnds(message: JSONRPCMessage, options: TransportSendOptions | undefined) {
    const isRequest = "method" in message && "id" in message;
    if (!isRequest || options?.onRequestStreamEnd !== undefined) return options;
    const { id } = message;
    this.#open.add(id);
    const fail = () => {
      if (!this.#open.delete(id)) return;
      const why = this.#complaint === undefined ? "" : `: ${this.#complaint}`;
      const error = { code: streamEnded, message: `its answer broke off${why}` };
      this.onmessage?.({ jsonrpc: "2.0", id, error });
    };
    options?.requestSignal?.addEventListener("abort", () => this.#open.delete(id), { once: true });
    return { ...options, onRequestStreamEnd: fail };
  }

  #complain(error: Error): void {
    this.#complaint = error.message;
    // The end of a stream is told in the same turn as what has broken it.
    queueMicrotask(() => {
      this.#complaint = undefined;
    });
    this.onerror?.(error);
  }

  #note(message: JSONRPCMessage, signal: AbortSignal | undefined): void {
    if (!("method" in message)) return;
    if ("id" in message && looseMethods.has(message.method)) {
      const { id } = message;
      this.#asked.add(id);
      signal?.addEventListener("abort", () => this.#asked.delete(id), { once: true });
    }
    const cancelled = message.method === "notifications/cancelled" && message.params?.requestId;
    if (typeof cancelled !== "number") return;
    this.#asked.delete(cancelled);
    this.#open.delete(cancelled);
  }

  #enveloped(message: JSONRPCMessage): JSONRPCMessage {
    if (!("id" in message) || message.id === undefined || "method" in message) return message;
    this.#open.delete(message.id);
    if (!this.#asked.delete(message.id) || !("result" in message)) return message;
    const given: unknown = message.result;
    if (isInputRequired(given)) return message;
    return { ...message, result: { ...validForAll, given } };
  }
}

/**
 * Like {@link LooseTransport}, over pipes. The package recognises a process by these two members.
 */
export class LoosePipeTransport extends LooseTransport {
  readonly pid = null;
  readonly stderr = null;
}

/** The schema of any answer, which takes it out of its envelope. */
export const answerOf: StandardSchemaV1<unknown, unknown> = {
  "~standard": {
    version: 1,
    vendor: "turnwire",
    validate: (value: unknown) => ({ value: answerIn(value) }),
  },
};

/** The content of an envelope; an answer without an envelope is returned unchanged. */
export function answerIn(answer: unknown): unknown {
  return typeof answer === "object" && answer !== null && "given" in answer ? answer.given : answer;
}

function isInputRequired(result: unknown): boolean {
  return (
    typeof result === "object" &&
    result !== null &&
    "resultType" in result &&
    result.resultType === "input_required"
  );
}
