// One session of an editor: its prompts, what is told of their turns, and its questions
// (protocol.md section 14). It is one client of the server, so no other window gets its completions.
import {
  type AgentContext,
  type ContentBlock,
  type PromptResponse,
  RequestError,
  type SessionUpdate,
} from "@agentclientprotocol/sdk";
import { Deferred } from "../base/deferred.js";
import { defined } from "../base/defined.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type {
  FileRead,
  FileReadAnswer,
  FileWrite,
  FileWriteAnswer,
  InputAnswer,
  InputRequest,
  PermissionAnswer,
  PermissionQuestion,
  ServerNotification,
} from "../protocol/registry.js";
import { Acknowledgements } from "./acknowledgements.js";
import { readInEditor, writeInEditor } from "./editorFiles.js";
import { elicit } from "./elicitation.js";
import { MessageFeed } from "./messageFeed.js";
import { askPermission } from "./permissionQuestion.js";
import { promptOf } from "./promptContent.js";
import type { SessionChoices } from "./sessionChoices.js";
import { SessionFacts } from "./sessionFacts.js";
import { answerOf, failure } from "./turnEnd.js";
import { type FromServer, RefusedRequest, type TurnwireConnection } from "./turnwireConnection.js";

/** The code of a request that was cancelled. */
const requestCancelled = -32800;

/** What a session of an editor is made with. */
export interface AcpSessionOptions {
  readonly id: string;
  readonly client: AgentContext;
  readonly cwd: string;
  /** Whether the editor shows the output of commands itself. */
  readonly showsTerminals: boolean;
  readonly newRunId: () => string;
  /** A signal that is aborted when a question has waited too long. */
  readonly patience: () => AbortSignal;
}

/** Where a session stands in the server. */
export interface Standing {
  readonly connection: TurnwireConnection;
  readonly workspaceId: string;
  readonly choices: SessionChoices;
}

/** A turn's end, and whether its last reply was cut. */
interface TurnEnd {
  readonly completion: RunComplete;
  readonly wasCut: boolean;
}

/** A session that an editor has open. */
export class AcpSession implements FromServer {
  readonly id: string;
  readonly acknowledgements = new Acknowledgements();
  readonly facts: SessionFacts;
  readonly feed: MessageFeed;
  readonly #options: AcpSessionOptions;
  readonly #waiting = new Map<string, Deferred<TurnEnd>>();
  #standing: Standing | undefined;

  constructor(options: AcpSessionOptions) {
    this.#options = options;
    this.id = options.id;
    this.feed = this.newFeed();
    this.facts = new SessionFacts((update) => this.send(update));
  }

  /** What tells the messages of the past, beside those of a turn that runs. */
  newFeed(): MessageFeed {
    const { cwd, showsTerminals } = this.#options;
    return new MessageFeed((update) => this.send(update), cwd, showsTerminals);
  }

  /** @throws RequestError where the session is not open any more. */
  get standing(): Standing {
    if (this.#standing === undefined) throw RequestError.sessionNotFound(this.id);
    return this.#standing;
  }

  /** From now on it takes prompts. */
  begin(standing: Standing): void {
    this.#standing = standing;
  }

  /** Sends an update; resolves when its bytes have left. */
  send(update: SessionUpdate): Promise<void> {
    return this.#options.client.notify("session/update", { sessionId: this.id, update });
  }

  /**
   * Runs a prompt as a run of its own, and resolves with its end; everything of its turn is told before.
   *
   * @throws RequestError what went wrong, or -32800 after `$/cancel_request`.
   */
  async prompt(
    requestId: unknown,
    blocks: readonly ContentBlock[],
    signal: AbortSignal,
  ): Promise<PromptResponse> {
    const { connection, workspaceId, choices } = this.standing;
    const { prompt, attachments } = promptOf(blocks);
    const runId = this.#options.newRunId();
    const ended = new Deferred<TurnEnd>();
    // It is awaited below. The editor may leave before that, and then it fails with nobody waiting yet.
    ended.promise.catch(() => {});
    this.#waiting.set(runId, ended);
    const cancel = () => {
      // The signal is aborted too when the editor goes, which is no wish to stop the run.
      if (isCancelled(signal))
        void this.#quietly(connection.request("cancelRun", { workspaceId, runId }));
    };
    try {
      // Nothing is awaited before the prompt is handed over: a cancel or a prompt that the editor sends
      // after it would overtake it. The updates are told in the order in which they are sent.
      const held = this.facts.tellHeld();
      const accepted = connection.request("sendMessage", {
        workspaceId,
        sessionId: this.id,
        prompt,
        runId,
        ...defined({ attachments: attachments.length > 0 ? attachments : undefined }),
        ...defined({ options: choices.model && { model: choices.model } }),
      });
      await Promise.all([held, accepted]);
      signal.addEventListener("abort", cancel, { once: true });
      if (signal.aborted) cancel();
      const { completion, wasCut } = await ended.promise;
      this.acknowledgements.answers(requestId, [completion.completionId]);
      if (isCancelled(signal)) throw RequestError.requestCancelled();
      return answerOf(completion, wasCut);
    } catch (error) {
      throw error instanceof RefusedRequest ? refused(error) : error;
    } finally {
      signal.removeEventListener("abort", cancel);
      this.#waiting.delete(runId);
    }
  }

  /** Stops what runs and what waits; the prompts are answered with `cancelled`. */
  async cancel(): Promise<void> {
    const { connection, workspaceId } = this.standing;
    await connection.request("cancelSession", { workspaceId, sessionId: this.id });
  }

  /** Resolves once no prompt is open. */
  async whenIdle(): Promise<void> {
    while (this.#waiting.size > 0) {
      await Promise.allSettled([...this.#waiting.values()].map(({ promise }) => promise));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Gives the session up; its completions wait for the next that opens it. */
  leave(): void {
    const standing = this.#standing;
    this.#standing = undefined;
    standing?.connection.close();
    for (const { reject } of this.#waiting.values()) reject(failure("The session was closed."));
  }

  /** Counts the completions as received that the editor had got when it sent what is read now. */
  async acknowledge(): Promise<void> {
    const completionIds = this.acknowledgements.take();
    if (completionIds.length === 0 || this.#standing === undefined) return;
    await this.#quietly(this.#standing.connection.request("acknowledge", { completionIds }));
  }

  async notified(notification: ServerNotification): Promise<void> {
    const { method, params } = notification;
    if (method === "eventsDropped") return this.feed.fallBehind();
    if (!("sessionId" in params) || params.sessionId !== this.id) return;
    if (method === "runComplete") return this.#ended(params);
    const isOpen = this.#waiting.size > 0;
    if (method === "sessionUpdated") return this.facts.session(params.session, isOpen);
    if (method === "todosChanged") return this.facts.todos(params.todos, isOpen);
    // What comes after the answer belongs to no prompt, and no editor expects it.
    if (!isOpen) return;
    if (method === "messageCreated" || method === "messageUpdated") {
      await this.feed.message(params.message);
    } else if (method === "messageDelta") {
      await this.feed.delta(params);
    }
  }

  async permissionAsked(
    question: PermissionQuestion,
    withdrawn: AbortSignal,
  ): Promise<PermissionAnswer> {
    const { client, patience } = this.#options;
    const toolCall = await this.feed.calls.asked(question);
    const signal = AbortSignal.any([withdrawn, patience()]);
    // A sub-task asks with its parent's id: an editor knows no other.
    const answer = await askPermission(question, { client, sessionId: this.id, toolCall, signal });
    if (question.action === "leavePlan" && answer.decision !== "deny") this.facts.modeMayChange();
    return answer;
  }

  inputAsked(question: InputRequest, withdrawn: AbortSignal): Promise<InputAnswer> {
    const { client, patience } = this.#options;
    const signal = AbortSignal.any([withdrawn, patience()]);
    return elicit(question, { client, sessionId: this.id, signal });
  }

  fileAsked(asked: FileRead): Promise<FileReadAnswer> {
    return readInEditor(asked, { client: this.#options.client, sessionId: this.id });
  }

  fileGiven(given: FileWrite): Promise<FileWriteAnswer> {
    return writeInEditor(given, { client: this.#options.client, sessionId: this.id });
  }

  async #ended(completion: RunComplete): Promise<void> {
    const waiting = this.#waiting.get(completion.runId ?? "");
    if (waiting === undefined) return;
    if (this.feed.isBehind) await this.#catchUp(completion);
    await this.#tellMode();
    await this.facts.completion(completion);
    const wasCut = this.feed.finish === "maxTokens";
    if (completion.joined === undefined) this.feed.turnEnded();
    this.#waiting.delete(completion.runId ?? "");
    waiting.resolve({ completion, wasCut });
  }

  /** Events were lost: the messages of the turn are shown as they are stored. */
  async #catchUp({ messageId, workspaceId }: RunComplete): Promise<void> {
    const { connection } = this.standing;
    const known = new Set([
      ...this.feed.messageIds,
      ...(messageId === undefined ? [] : [messageId]),
    ]);
    for (const id of known) {
      const asked = { workspaceId, sessionId: this.id, messageId: id };
      const message = await this.#quietly(connection.request("getMessage", asked));
      if (message !== undefined) await this.feed.message(message);
    }
  }

  /** An accepted plan ends the mode `plan`. */
  async #tellMode(): Promise<void> {
    if (!this.facts.takeModeMayChange()) return;
    const { connection, workspaceId, choices } = this.standing;
    const workspace = await this.#quietly(connection.request("getWorkspace", { workspaceId }));
    if (workspace === undefined || workspace.permissionMode === choices.mode) return;
    choices.mode = workspace.permissionMode;
    await this.send({ sessionUpdate: "current_mode_update", currentModeId: choices.mode });
    await this.send({ sessionUpdate: "config_option_update", configOptions: choices.options() });
  }

  /** For what may fail because the run or the connection has ended meanwhile. */
  async #quietly<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof RefusedRequest) return undefined;
      throw error;
    }
  }
}

/** Whether the editor has cancelled the request with `$/cancel_request`. */
function isCancelled({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof RequestError && reason.code === requestCancelled;
}

/** A refusal as an editor can show it. */
export function refused({ refusal, message }: RefusedRequest): RequestError {
  const isOwnFault = ["InvalidParams", "EmptyPrompt", "PathRequired", "PathNotFound"].includes(
    refusal,
  );
  if (!isOwnFault) return failure(message);
  const [line = ""] = message.split(/[\r\n]/, 1);
  return RequestError.invalidParams(undefined, line.replace(/^Invalid params: /, ""));
}
