// One window of a client: it starts a server, tells who it is, sends what is not answered yet, and
// takes completions in. It can lose its server, or be lost, at any moment.
import { defined } from "../../src/base/defined.js";
import type { RunComplete } from "../../src/protocol/objects/run.js";
import { GoneError, type Notice, RpcError, ServerChild } from "../helpers/serverChild.js";
import type { Books, SentRun } from "./books.js";

/** The options of a run. */
export interface RunOptions {
  readonly onServerLoss: "continue";
}

/** Where its servers come from. */
export interface WindowOptions {
  readonly main: string;
  readonly dataDir: string;
  readonly workspacePath: string;
  /** The engine of the workspace; absent: the built-in one. */
  readonly engine?: string;
  readonly runOptions?: RunOptions;
  readonly env: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly books: Books;
  /**
   * Whose runs a cancel of a session may end: it is for all that is queued there, also what a server was
   * lost with and another has taken over.
   */
  readonly endedByCancel: readonly Books[];
  /** The sessions that are used, by number; the first window to need one makes it. */
  readonly sessions: Map<number, Promise<string>>;
  /** The ids of the sessions that somebody has asked to be deleted. */
  readonly deleted: Set<string>;
  /** Whether a completion that has been taken in is acknowledged now. */
  acknowledges(): boolean;
}

/** How often a session that is busy is asked for. */
const mostTries = 20;

/** What names a session. */
interface SessionIds {
  readonly workspaceId: string;
  readonly sessionId: string;
}

export class ClientWindow {
  /** The names of the errors for which a run was sent again. */
  readonly refusals: unknown[] = [];
  readonly #options: WindowOptions;
  readonly #underWay = new Set<Promise<void>>();
  #server: ServerChild | undefined;
  /** The servers that were left, and may still end their turns. */
  readonly #left: ServerChild[] = [];
  #workspaceId = "";
  #lastSequences = new Map<string, number>();
  #lifeRuns = new Set<SentRun>();

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  get server(): ServerChild {
    if (this.#server === undefined) throw new Error("the window has no server");
    return this.#server;
  }

  get isOpen(): boolean {
    return this.#server !== undefined && !this.#server.isGone;
  }

  /** Starts a server and tells it who is there. Rejects with a `GoneError` if it dies meanwhile. */
  async open(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const { main, dataDir, args, books, engine } = this.#options;
    this.#lastSequences = new Map();
    this.#lifeRuns = new Set();
    this.#server = new ServerChild({
      main,
      dataDir,
      args,
      env: { ...this.#options.env, ...env },
      onNotice: (notice) => this.#hear(notice),
    });
    await this.server.request("initialize", { clientId: books.clientId });
    const workspace = await this.server.request("createWorkspace", {
      path: this.#options.workspacePath,
      permissionMode: "allow",
      initAgent: true,
      ...defined({ engine }),
    });
    this.#workspaceId = String(workspace.id);
  }

  /** Sends a run, or sends it again; a session that is busy elsewhere is waited for. */
  async send(run: SentRun): Promise<void> {
    const { server } = this;
    const { runOptions: options } = this.#options;
    this.#lifeRuns.add(run);
    for (;;) {
      const ids = await this.ids(run.session);
      try {
        await server.request("sendMessage", {
          ...ids,
          runId: run.runId,
          prompt: run.prompt,
          ...defined({ options }),
        });
        run.isAnswered = true;
        return;
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        if (this.#isDeleted(run.session, ids, error)) {
          run.isAnswered = await this.#isKnown(run);
          if (run.isAnswered) return;
          continue;
        }
        if (error.data.retryable !== true) throw error;
        this.refusals.push(error.data.name);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  /**
   * Whether an error says that somebody has deleted the session, or that a run was accepted in the one that
   * had its place. Then the next who needs the session makes another one.
   */
  #isDeleted(session: number, { sessionId }: SessionIds, { data }: RpcError): boolean {
    const { deleted } = this.#options;
    if (data.name === "RunIdConflict") return deleted.size > 0;
    if (data.name !== "SessionNotFound" || !deleted.has(sessionId)) return false;
    this.forget(session, sessionId);
    return true;
  }

  /** Whether a run was accepted, in whatever session. */
  async #isKnown({ runId }: SentRun): Promise<boolean> {
    try {
      await this.server.request("getRun", { workspaceId: this.#workspaceId, runId });
      return true;
    } catch (error) {
      if (error instanceof RpcError && error.data.name === "RunNotFound") return false;
      throw error;
    }
  }

  /** Sends every run that was not answered. */
  async resend(): Promise<void> {
    for (const run of this.#options.books.runs.values()) {
      if (!run.isAnswered) await this.send(run);
    }
  }

  /** Cancels whatever a session does. */
  async cancel(session: number): Promise<void> {
    const params = await this.ids(session);
    for (const run of this.#options.endedByCancel.flatMap(({ runs }) => [...runs.values()])) {
      if (run.session === session) run.wasCancelled = true;
    }
    await this.#try(session, params, ["SessionBusy"], () =>
      this.server.request("cancelSession", params),
    );
  }

  /** Holds a session's queue, or lets it go on; where another server has it, nothing happens. */
  async setPaused(session: number, isPaused: boolean): Promise<void> {
    const params = await this.ids(session);
    await this.#try(session, params, ["SessionBusy"], () =>
      this.server.request(isPaused ? "pauseQueue" : "resumeQueue", params),
    );
  }

  /** Puts the first that waits on a session last, and says it in other words. */
  async turnQueue(session: number): Promise<void> {
    const params = await this.ids(session);
    // What waited may have begun meanwhile.
    await this.#try(session, params, ["SessionBusy", "QueueEntryNotFound"], async () => {
      const { entries } = await this.server.request("listQueue", params);
      const [first] = entries as { queueId: string; prompt: string }[];
      if (first === undefined) return;
      const { queueId, prompt } = first;
      await this.server.request("moveQueued", { ...params, queueId });
      await this.server.request("editQueued", { ...params, queueId, prompt });
    });
  }

  /** Copies a session as it is, or up to one of its messages; resolves with the copy's id. */
  async fork(session: number, pick: (length: number) => number): Promise<string | undefined> {
    const params = await this.ids(session);
    let forkId: string | undefined;
    // A message may have been taken out meanwhile.
    await this.#try(session, params, ["SessionBusy", "MessageNotFound"], async () => {
      const { messages } = await this.server.request("listMessages", params);
      const list = messages as { id: string }[];
      const messageId = list[pick(list.length)]?.id;
      const fork = await this.server.request("forkSession", {
        ...params,
        ...defined({ messageId }),
      });
      forkId = String(fork.id);
    });
    return forkId;
  }

  /** Takes a session's history back to one of its checkpoints: the state before a run, or before a rewind. */
  async rewind(session: number, pick: (length: number) => number): Promise<void> {
    const params = await this.ids(session);
    await this.#try(session, params, ["SessionBusy", "CheckpointNotFound"], async () => {
      const { checkpoints } = await this.server.request("listCheckpoints", params);
      const list = checkpoints as { checkpointId: string }[];
      // The newest is the first one.
      const checkpointId = list.reverse()[pick(list.length)]?.checkpointId;
      if (checkpointId === undefined) return;
      await this.#whenIdle("rewindSession", { ...params, checkpointId });
    });
  }

  /** Deletes a session; whoever needs it next makes another one. */
  async remove(session: number): Promise<void> {
    const params = await this.ids(session);
    const { sessionId } = params;
    this.#options.deleted.add(sessionId);
    await this.#try(session, params, ["SessionBusy"], async () => {
      await this.#whenIdle("deleteSession", params);
      this.forget(session, sessionId);
    });
  }

  /** Asks again for a while where a turn runs. */
  async #whenIdle(method: string, params: object): Promise<Record<string, unknown>> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.server.request(method, params);
      } catch (error) {
        const isBusy = error instanceof RpcError && error.data.name === "SessionBusy";
        if (!isBusy || tries === mostTries) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  /** Does something with a session that may be refused by these names, or because somebody has deleted it. */
  async #try(
    session: number,
    ids: SessionIds,
    names: readonly string[],
    work: () => Promise<unknown>,
  ): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (names.includes(String(error.data.name))) return;
      if (!this.#isDeleted(session, ids, error)) throw error;
    }
  }

  /** What names a session in a request. */
  async ids(number: number): Promise<SessionIds> {
    const sessionId = await this.session(number);
    return { workspaceId: this.#workspaceId, sessionId };
  }

  /** The session with this number is made anew, unless that has happened already. */
  forget(number: number, sessionId: string): void {
    const { sessions } = this.#options;
    const known = sessions.get(number);
    void known?.then(
      (id) => {
        if (id === sessionId && sessions.get(number) === known) sessions.delete(number);
      },
      () => {},
    );
  }

  /** The id of a session; made by the first window that needs it and lives long enough. */
  async session(number: number): Promise<string> {
    const { sessions } = this.#options;
    for (;;) {
      const known = sessions.get(number);
      if (known === undefined) return this.#makeSession(number);
      try {
        return await known;
      } catch (error) {
        // The other window's server died: now it is up to us, if ours lives.
        if (this.server.isGone) throw error;
      }
    }
  }

  #makeSession(number: number): Promise<string> {
    const { sessions } = this.#options;
    const made = this.#createSession();
    sessions.set(number, made);
    made.catch(() => sessions.delete(number));
    return made;
  }

  /** A disk that is full for a moment refuses a session as it refuses a run. */
  async #createSession(): Promise<string> {
    const { server } = this;
    for (;;) {
      try {
        const { id } = await server.request("createSession", { workspaceId: this.#workspaceId });
        return String(id);
      } catch (error) {
        if (!(error instanceof RpcError) || error.data.retryable !== true) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  /** Acknowledges what was taken in and held back. */
  async acknowledgeRest(): Promise<void> {
    const { books } = this.#options;
    const rest = [...books.completions.keys()].filter((id) => !books.acknowledged.has(id));
    if (rest.length > 0) await this.#acknowledge(rest);
  }

  /** The server is killed. */
  async kill(): Promise<void> {
    this.#endanger();
    await this.server.kill();
    await this.#settled();
  }

  /** The window is lost; its server notices the end of its input. */
  async abandon(): Promise<void> {
    this.#endanger();
    await this.server.abandon();
    await this.#settled();
  }

  /** The window is closed; its server may linger while the next one already works. */
  async leave(): Promise<void> {
    this.#endanger();
    this.#left.push(this.server);
    this.server.leave();
    await this.#settled();
  }

  /** How the servers that were left have ended. */
  leftEnded(): Promise<(number | null)[]> {
    return Promise.all(this.#left.map(async ({ exited }) => (await exited).code));
  }

  /** Kills every server that it has or has left. */
  async killAll(): Promise<void> {
    const servers = this.#server === undefined ? this.#left : [...this.#left, this.#server];
    await Promise.all(servers.map((server) => server.kill()));
  }

  /** Resolves with how the server died by itself. */
  async died(): Promise<NodeJS.Signals | null> {
    const { signal } = await this.server.exited;
    this.#endanger();
    await this.#settled();
    return signal;
  }

  #endanger(): void {
    for (const run of this.#lifeRuns) run.wasEndangered = true;
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #hear({ method, params }: Notice): void {
    if (method !== "runComplete") return;
    const { books } = this.#options;
    const completion = params as RunComplete;
    // Each once, and of one session in order; what another server wrote may come late.
    const last = this.#lastSequences.get(completion.sessionId) ?? 0;
    if (completion.sequence <= last) {
      books.complaints.push(
        `${completion.completionId}: sequence ${completion.sequence} came after ${last}`,
      );
    }
    this.#lastSequences.set(completion.sessionId, completion.sequence);
    books.enter(completion);
    if (!this.#options.acknowledges()) return;
    const task = this.#acknowledge([completion.completionId])
      .catch(ignoreRefusal)
      .finally(() => this.#underWay.delete(task));
    this.#underWay.add(task);
  }

  async #acknowledge(completionIds: string[]): Promise<void> {
    const { books, deleted } = this.#options;
    // It may have been taken in by a server whose answer was not heard, and was deleted with its session.
    const isGone = (id: string) =>
      books.askedToAcknowledge.has(id) && deleted.has(books.completions.get(id)?.sessionId ?? "");
    const mayBeUnknown = new Set(completionIds.filter(isGone));
    for (const id of completionIds) books.askedToAcknowledge.add(id);
    const { acknowledged, unknown } = await this.server.request("acknowledge", { completionIds });
    const told = new Set(acknowledged as string[]);
    for (const id of unknown as string[]) if (mayBeUnknown.has(id)) told.add(id);
    if (completionIds.some((id) => !told.has(id))) {
      books.complaints.push(`acknowledged ${acknowledged} of ${completionIds}`);
    }
    for (const id of completionIds) books.acknowledged.add(id);
  }
}

/** A server that is gone answers nothing; anything else is a finding. */
export function ignoreGone(error: unknown): void {
  if (!(error instanceof GoneError)) throw error;
}

/** What was not acknowledged is delivered again, and acknowledged then. */
function ignoreRefusal(error: unknown): void {
  if (error instanceof RpcError && error.data.retryable === true) return;
  ignoreGone(error);
}
