// One client for both eras of the protocol. Old servers are greeted with `initialize` and keep a
// session. Servers since 2026-07-28 are asked with `server/discover`, and every request contains
// everything that they need.
import {
  Client,
  isInputRequiredResult,
  type ServerCapabilities,
  type Transport,
} from "@modelcontextprotocol/client";
import { defined } from "../base/defined.js";
import { traceMeta } from "../base/traceMeta.js";
import type { InputAnswer } from "../protocol/registry.js";
import { answerIn, answerOf, LoosePipeTransport, LooseTransport } from "./looseTransport.js";
import type { ListedTool } from "./messages.js";
import { ServerProcess } from "./serverProcess.js";

/**
 * The era that a server is greeted as. With `unknown` it is asked, and counts as old if it does not
 * understand the question.
 */
export type Era = "unknown" | "old" | "new";

/** The first version of the new era. */
export const newVersion = "2026-07-28";
/** How long a process has to answer the question; old ones may not answer it. */
const probeMs = 2_000;
/** How often a server may ask for input before it gives a result. */
const mostRounds = 10;
/** The package's own limits are longer than ours. Ours use the clock that is passed in. */
const noTimeout = 0x7fffffff;

/** Answers are not checked against a server's own schemas, which may be wrong or endless. */
const noValidation = {
  getValidator(): never {
    throw new Error("answers are not checked");
  },
};

/** The callbacks of a client. */
export interface ClientHooks {
  onTrouble(error: Error): void;
  onEnded(): void;
  /** A list of the server has changed: `tools`, `prompts` or `resources`. */
  onListChanged(): void;
  /** A server of the old era asks something of the user. */
  onElicit(params: unknown, signal: AbortSignal): Promise<InputAnswer>;
}

/** A client of one server. */
export class ProtocolClient {
  readonly #client: Client;
  readonly #transport: Transport;
  readonly #era: Era;
  readonly #hooks: ClientHooks;

  constructor(transport: Transport, era: Era, version: string, hooks: ClientHooks) {
    const isPipe = transport instanceof ServerProcess;
    this.#transport = isPipe ? new LoosePipeTransport(transport) : new LooseTransport(transport);
    this.#era = era;
    this.#hooks = hooks;
    this.#client = new Client(
      { name: "turnwire", version },
      {
        capabilities: { elicitation: { form: {} } },
        jsonSchemaValidator: noValidation,
        versionNegotiation: {
          mode: era === "new" ? { pin: newVersion } : "auto",
          probe: { timeoutMs: isPipe && era === "unknown" ? probeMs : noTimeout },
        },
        inputRequired: { autoFulfill: false },
      },
    );
    this.#client.onerror = (error) => hooks.onTrouble(error);
    this.#client.onclose = () => hooks.onEnded();
    this.#client.setRequestHandler("elicitation/create", async ({ params }, { mcpReq }) => {
      const { action, content } = await hooks.onElicit(params, mcpReq.signal);
      return { action, ...defined({ content }) };
    });
    for (const list of ["tools", "prompts", "resources"] as const) {
      this.#client.setNotificationHandler(`notifications/${list}/list_changed`, () =>
        hooks.onListChanged(),
      );
    }
  }

  /** The server's capabilities; known once it is connected. */
  get capabilities(): ServerCapabilities {
    return this.#client.getServerCapabilities() ?? {};
  }

  /** Connects, and makes the server report changes. */
  async connect(): Promise<void> {
    const prior = this.#era === "old" ? ({ kind: "legacy" } as const) : undefined;
    await this.#client.connect(this.#transport, { timeout: noTimeout, ...defined({ prior }) });
  }

  /**
   * Makes a server of the new era report changes of its lists, on a request that stays open. A
   * server of the old era reports them without a request. Resolves when the request has ended, with
   * whether another one makes sense.
   */
  async listen(signal: AbortSignal): Promise<boolean> {
    if (this.#client.getProtocolEra() !== "modern") return false;
    const { tools, prompts, resources } = this.capabilities;
    const filter = defined({
      toolsListChanged: tools?.listChanged || undefined,
      promptsListChanged: prompts?.listChanged || undefined,
      resourcesListChanged: resources?.listChanged || undefined,
    });
    if (Object.keys(filter).length === 0) return false;
    try {
      const subscription = await this.#client.listen(filter, { timeout: noTimeout, signal });
      return (await subscription.closed) !== "local";
    } catch (error) {
      if (!signal.aborted)
        this.#hooks.onTrouble(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }

  /**
   * Sends a request, and resolves with the raw answer: `messages.ts` decides what is read of it.
   */
  async request(
    method: string,
    params: Record<string, unknown>,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const options = { timeout: noTimeout, ...defined({ signal }) };
    return this.#client.request(
      { method, params: { ...params, ...traceMeta() } },
      answerOf,
      options,
    );
  }

  /**
   * Calls a tool, and resolves with the raw answer. If a server of the new era answers with
   * questions, the tool is called again with the results of `answers`.
   */
  async callTool(
    { name, inputSchema }: ListedTool,
    input: object,
    answers: (asked: unknown) => Promise<Record<string, InputAnswer>>,
    signal: AbortSignal,
  ): Promise<unknown> {
    let more: object = {};
    for (let round = 0; round <= mostRounds; round++) {
      const answer: unknown = await this.#client.callTool(
        { name, arguments: { ...input }, ...traceMeta(), ...more },
        // The tool's schema says which values the server also wants in headers.
        {
          signal,
          timeout: noTimeout,
          toolDefinition: { name, inputSchema },
          allowInputRequired: true,
        },
      );
      if (!isInputRequiredResult(answer)) return answerIn(answer);
      const { inputRequests, requestState } = answer;
      const inputResponses = await answers(inputRequests);
      more = { inputResponses, ...defined({ requestState }) };
    }
    throw new Error(`it asked for input ${mostRounds} times and had not enough`);
  }

  /** Asks the server whether it lives. Rejects if it does not answer. */
  async ping(): Promise<void> {
    const isNew = this.#client.getProtocolEra() === "modern";
    await (isNew
      ? this.#client.discover({ timeout: noTimeout })
      : this.#client.ping({ timeout: noTimeout }));
  }
}
