// One session of an editor: its prompts, what is told of their turns, and its questions
// (protocol.md section 14). It is one client of the server, so no other window gets its completions.
import {
  type AgentContext,
  type ContentBlock,
  type PromptResponse,
  RequestError,
  type SessionUpdate,
} from "@agentclientprotocol/sdk";
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
import { type OpenTurn, OpenTurns } from "./openTurns.js";
import { askPermission } from "./permissionQuestion.js";
import { promptOf } from "./promptContent.js";
import type { SessionChoices } from "./sessionChoices.js";
import { SessionFacts } from "./sessionFacts.js";
import type { TraceMembers } from "./traceMembers.js";
import { answerOf, failure, isCancelled, refused } from "./turnEnd.js";
import {
  type FromServer,
  RefusedRequest,
  type TurnwireConnection,
  unlessRefused,
} from "./turnwireConnection.js";

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
  /** Whether a turn goes on with the next server if this one is lost or ends. */
  readonly goesOn: boolean;
}

/** Where a session stands in the server. */
export interface Standing {
  readonly connection: TurnwireConnection;
  readonly workspaceId: string;
  readonly choices: SessionChoices;
}

/** A session that an editor has open. */
export class AcpSession implements FromServer {
  readonly id: string;
  readonly acknowledgements = new Acknowledgements();
  readonly facts: SessionFacts;
  readonly turns: OpenTurns;
  readonly #options: AcpSessionOptions;
  /** The answers that are being made. */
  readonly #answers = new Set<Promise<PromptResponse>>();
  #standing: Standing | undefined;
  /** Settles when what came since the last answer is told: what follows is told behind it. */
  #caughtUp: Promise<void> = Promise.resolve();

  constructor(options: AcpSessionOptions) {
    this.#options = options;
    this.id = options.id;
    this.turns = new OpenTurns(
      () => this.newFeed(),
      (update) => this.send(update),
    );
    this.facts = new SessionFacts((update) => this.send(update));
  }

  /** The folder that it was opened in. */
  get cwd(): string {
    return this.#options.cwd;
  }

  /** What tells messages: those of the past, or of a turn. */
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
    trace: TraceMembers,
  ): Promise<PromptResponse> {
    const answer = this.#answer(requestId, blocks, signal, trace);
    this.#answers.add(answer);
    try {
      return await answer;
    } finally {
      this.#answers.delete(answer);
    }
  }

  async #answer(
    requestId: unknown,
    blocks: readonly ContentBlock[],
    signal: AbortSignal,
    trace: TraceMembers,
  ): Promise<PromptResponse> {
    const { connection, workspaceId } = this.standing;
    const turn = this.turns.begin(this.#options.newRunId());
    const { runId } = turn;
    const told: string[] = [];
    const cancel = () => {
      // The signal is aborted too when the editor goes, which is no wish to stop the run.
      if (isCancelled(signal))
        void unlessRefused(connection.request("cancelRun", { workspaceId, runId }));
    };
    try {
      // Nothing is awaited before the prompt is handed over: a cancel or a prompt that the editor sends
      // after it would overtake it. The updates are told in the order in which they are sent.
      this.#caughtUp = this.turns.tellUnseen().then(() => this.facts.tellHeld());
      const accepted = this.#send(runId, blocks, trace);
      // Also where the prompt is refused: nothing is told behind its answer.
      await Promise.allSettled([this.#caughtUp, accepted]);
      await Promise.all([this.#caughtUp, accepted]);
      signal.addEventListener("abort", cancel, { once: true });
      if (signal.aborted) cancel();
      const completion = await turn.ended;
      await this.#tellRest(turn, completion);
      told.push(completion.completionId);
      if (isCancelled(signal)) throw RequestError.requestCancelled();
      return answerOf(completion, turn.feed.finish === "maxTokens");
    } catch (error) {
      throw error instanceof RefusedRequest ? refused(error) : error;
    } finally {
      signal.removeEventListener("abort", cancel);
      this.turns.answered(turn);
      this.acknowledgements.answers(requestId, [...this.turns.otherEnds.takeUnanswered(), ...told]);
    }
  }

  async #send(runId: string, blocks: readonly ContentBlock[], trace: TraceMembers): Promise<void> {
    const { connection, workspaceId, choices } = this.standing;
    const { prompt, attachments } = promptOf(blocks);
    await connection.request("sendMessage", {
      workspaceId,
      sessionId: this.id,
      prompt,
      runId,
      ...trace,
      ...defined({ attachments: attachments.length > 0 ? attachments : undefined }),
      options: defined({
        model: choices.model,
        onServerLoss: this.#options.goesOn ? ("continue" as const) : undefined,
      }),
    });
  }

  /** Stops what runs and waits here; the prompts are answered with `cancelled`. Other servers go on. */
  async cancel(): Promise<void> {
    const { connection, workspaceId } = this.standing;
    const asked = { workspaceId, sessionId: this.id };
    await unlessRefused(connection.request("cancelSession", asked));
  }

  /** Resolves once no prompt is open. */
  async whenIdle(): Promise<void> {
    while (this.#answers.size > 0) await Promise.allSettled(this.#answers);
  }

  /** Gives the session up; its completions wait for the next that opens it. */
  leave(): void {
    const standing = this.#standing;
    this.#standing = undefined;
    standing?.connection.close();
    this.turns.leave(failure("The session was closed."));
  }

  /** Counts the completions as received that the editor had got when it sent what is read now. */
  async acknowledge(): Promise<void> {
    const completionIds = this.acknowledgements.take();
    if (completionIds.length === 0 || this.#standing === undefined) return;
    await unlessRefused(this.#standing.connection.request("acknowledge", { completionIds }));
  }

  async notified(notification: ServerNotification): Promise<void> {
    const { method, params } = notification;
    if (method === "eventsDropped") return this.turns.fallBehind();
    if (!("sessionId" in params) || params.sessionId !== this.id) return;
    const isOpen = !this.turns.isEmpty;
    if (method === "runComplete") {
      this.turns.ended(params);
      if (isOpen) await this.#caughtUp.then(() => this.turns.otherEnds.tell());
      return;
    }
    if (method === "sessionUpdated") return this.facts.session(params.session, isOpen);
    if (method === "todosChanged") return this.facts.todos(params.todos, isOpen);
    const isWhole = method === "messageCreated" || method === "messageUpdated";
    // What comes after the answer belongs to no prompt, and no editor expects it.
    if (!isOpen) {
      if (isWhole) this.turns.keepUnseen(params.message);
      return;
    }
    await this.#caughtUp;
    const feed = this.turns.feedOf(params.runId);
    if (isWhole) await feed.message(params.message);
    else if (method === "messageDelta") await feed.delta(params);
  }

  /** The whole session is about to be told by a feed of its own. */
  beginReplay(): MessageFeed {
    this.turns.forgetUnseen();
    return this.newFeed();
  }

  async permissionAsked(
    question: PermissionQuestion,
    withdrawn: AbortSignal,
  ): Promise<PermissionAnswer> {
    const { client, patience } = this.#options;
    const toolCall = await this.turns.feedOf(question.runId).calls.asked(question);
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

  fileAsked(asked: FileRead, signal: AbortSignal): Promise<FileReadAnswer> {
    return readInEditor(asked, { client: this.#options.client, sessionId: this.id, signal });
  }

  fileGiven(given: FileWrite, signal: AbortSignal): Promise<FileWriteAnswer> {
    return writeInEditor(given, { client: this.#options.client, sessionId: this.id, signal });
  }

  /** What is to be told of a turn before its answer, and was not. */
  async #tellRest({ feed }: OpenTurn, completion: RunComplete): Promise<void> {
    if (feed.isBehind) await this.#catchUp(feed, completion);
    await this.#tellMode();
    await this.facts.completion(completion);
  }

  /** Events were lost: the messages of the turn are shown as they are stored. */
  async #catchUp(feed: MessageFeed, { messageId, workspaceId }: RunComplete): Promise<void> {
    const { connection } = this.standing;
    const known = new Set([...feed.messageIds, ...(messageId === undefined ? [] : [messageId])]);
    for (const id of known) {
      const asked = { workspaceId, sessionId: this.id, messageId: id };
      const message = await unlessRefused(connection.request("getMessage", asked));
      if (message !== undefined) await feed.message(message);
    }
  }

  /** An accepted plan ends the mode `plan`. */
  async #tellMode(): Promise<void> {
    if (!this.facts.takeModeMayChange()) return;
    const { connection, workspaceId, choices } = this.standing;
    const workspace = await unlessRefused(connection.request("getWorkspace", { workspaceId }));
    if (workspace === undefined || workspace.permissionMode === choices.mode) return;
    choices.mode = workspace.permissionMode;
    await this.send({ sessionUpdate: "current_mode_update", currentModeId: choices.mode });
    await this.send({ sessionUpdate: "config_option_update", configOptions: choices.options() });
  }
}
