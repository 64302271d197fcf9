/** The server of this window: started when it is needed, and left so that no reply is lost. */
import { randomUUID } from "node:crypto";
import {
  findServer,
  type OwnTool,
  type PermissionHandler,
  type Result,
  type Run,
  type RunComplete,
  TurnwireClient,
} from "turnwire/client";
import * as vscode from "vscode";

/** What the rest of the extension does for the agent. */
export interface Surroundings {
  readonly onPermission: PermissionHandler;
  /** Keeps a reply that no chat waits for. It is acknowledged when this is done. */
  readonly onMissed: (completion: RunComplete) => Promise<void>;
  readonly tools: readonly OwnTool[];
}

/** A session in an open folder. */
export interface Place {
  readonly workspaceId: string;
  readonly sessionId: string;
}

export class Agent {
  readonly #context: vscode.ExtensionContext;
  readonly #surroundings: Surroundings;
  readonly #log = vscode.window.createOutputChannel("Turnwire");
  #client: Promise<TurnwireClient> | undefined;

  constructor(context: vscode.ExtensionContext, surroundings: Surroundings) {
    this.#context = context;
    this.#surroundings = surroundings;
    context.subscriptions.push(this.#log);
  }

  /** Asks for the replies that the window missed. Starts a server only if a run was under way. */
  async resume(): Promise<void> {
    if (this.#openRuns.length > 0) await this.#connect();
  }

  /** Opens the folder, and the session in it. A session that is not there yet is made. */
  async open(path: string, sessionId: string): Promise<Place> {
    const { api } = await this.#connect();
    const trusted = vscode.workspace.isTrusted;
    const { id: workspaceId } = await api.createWorkspace({ path, trusted, initAgent: true });
    await api.createSession({ workspaceId, sessionId });
    return { workspaceId, sessionId };
  }

  /**
   * Begins a run. Its id is stored first, so that the next window knows that there is one. (The run is
   * a member of the result, because a promise of the run itself would be one of its completion.)
   */
  async begin(place: Place, prompt: string): Promise<{ readonly run: Run }> {
    const client = await this.#connect();
    const runId = randomUUID();
    await this.#setOpenRuns([...this.#openRuns, runId]);
    return { run: client.run({ ...place, prompt, runId }) };
  }

  /** Waits for the end of a run. */
  async end(run: Run): Promise<RunComplete> {
    try {
      return await run.completion;
    } finally {
      await this.#closed(run.runId);
    }
  }

  async message(place: Place, messageId: string): Promise<Result<"getMessage">> {
    const { api } = await this.#connect();
    return await api.getMessage({ ...place, messageId });
  }

  /**
   * Ends the server if it has nothing to do. Otherwise the server stays and finishes its runs: it has
   * the time that `--linger` gives it, and the next window gets the completions.
   */
  async leave(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    if (this.#openRuns.length === 0) await client?.close();
    else client?.unref();
  }

  async #connect(): Promise<TurnwireClient> {
    this.#client ??= this.#spawn();
    try {
      const client = await this.#client;
      await client.reconnect();
      return client;
    } catch (error) {
      this.#client = undefined;
      throw error;
    }
  }

  async #spawn(): Promise<TurnwireClient> {
    const { extensionPath } = this.#context;
    const { onPermission, tools } = this.#surroundings;
    const linger = vscode.workspace.getConfiguration("turnwire").get("lingerSeconds", 600);
    const client = await TurnwireClient.spawn({
      server: findServer({ from: extensionPath }),
      args: ["serve", "--linger", String(linger)],
      clientId: await this.#clientId(),
      clientInfo: { name: "turnwire-vscode" },
      cwd: extensionPath,
      onPermission,
      tools,
      onStderr: (text) => this.#log.append(text),
      onError: (error) => this.#log.appendLine(String(error)),
    });
    client.onCompletion(async (completion) => {
      await this.#surroundings.onMissed(completion);
      if (completion.runId !== undefined) await this.#closed(completion.runId);
    });
    return client;
  }

  /** One identity for each folder, kept by the editor: completions belong to it. */
  async #clientId(): Promise<string> {
    const state = this.#context.workspaceState;
    const clientId = state.get("clientId", randomUUID());
    await state.update("clientId", clientId);
    return clientId;
  }

  get #openRuns(): readonly string[] {
    return this.#context.workspaceState.get("openRuns", []);
  }

  async #setOpenRuns(runs: readonly string[]): Promise<void> {
    await this.#context.workspaceState.update("openRuns", runs);
  }

  #closed(runId: string): Promise<void> {
    return this.#setOpenRuns(this.#openRuns.filter((open) => open !== runId));
  }
}
