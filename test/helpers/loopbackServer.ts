// A server whose one model is a provider on this machine, which answers what a test has prepared.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Deferred } from "../../src/base/deferred.js";
import { type LoopbackProvider, reply, startLoopbackProvider } from "./loopbackProvider.js";
import { makeFolder, type ServerProcess, type StartOptions, startServer } from "./serverProcess.js";
import type { WireSession } from "./wireSession.js";

/** A server and its provider. */
export interface LoopbackServer {
  readonly provider: LoopbackProvider;
  readonly server: ServerProcess;
  /** The user's configuration file. */
  readonly configFile: string;
  /** The environment that names the file, for another server. */
  readonly env: Readonly<Record<string, string>>;
}

/** Starts both; `more` goes into the configuration. The provider is the caller's to close. */
export async function startLoopbackServer(
  options: StartOptions & { readonly config?: object } = {},
): Promise<LoopbackServer> {
  const { config, ...rest } = options;
  const provider = await startLoopbackProvider();
  const configFile = join(makeFolder(), "config.json");
  writeFileSync(configFile, JSON.stringify(provider.config(config)));
  const env = { TURNWIRE_CONFIG: configFile, ...options.env };
  return { provider, server: startServer({ ...rest, env }), configFile, env };
}

/** Something that a reply waits for, and a way to know that its request has arrived. */
export class Gate {
  readonly #open = new Deferred<void>();
  readonly #provider: LoopbackProvider;
  readonly #index: number;

  /** The gate of the `ahead`th next request of a conversation. */
  constructor(provider: LoopbackProvider, ahead = 0) {
    this.#provider = provider;
    this.#index = provider.turnRequests.length + ahead;
  }

  /** For `reply().gate(…)`. */
  get opened(): Promise<void> {
    return this.#open.promise;
  }

  open(): void {
    this.#open.resolve();
  }

  /** Resolves once the request that waits here has arrived. */
  async reached(): Promise<void> {
    await turnRequest(this.#provider, this.#index);
  }
}

/** Lets a turn run on the session: its reply says `said`, waits at the gate, and says some more. */
export async function occupy(
  session: WireSession,
  provider: LoopbackProvider,
  runId: string | undefined,
  said = "so far",
): Promise<Gate> {
  const gate = new Gate(provider);
  provider.enqueue(reply().text(said).gate(gate.opened).text(" and more"));
  await session.send("occupy", runId);
  await gate.reached();
  const { server, sessionId } = session;
  await server.event("messageDelta", { sessionId, delta: said });
  return gate;
}

/** The `index`th request of a conversation, once it has arrived. */
export async function turnRequest(provider: LoopbackProvider, index: number) {
  for (;;) {
    const request = provider.turnRequests[index];
    if (request !== undefined) return request;
    await provider.untilRequests(provider.requests.length + 1);
  }
}

/** The texts of the user's messages in a request, in order. */
export function userTexts(request: {
  body: { messages: readonly { role: string; content: unknown }[] };
}) {
  return request.body.messages
    .filter(({ role }) => role === "user")
    .map(({ content }) => (typeof content === "string" ? content : JSON.stringify(content)));
}
