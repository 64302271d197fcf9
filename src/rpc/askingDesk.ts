// Asks clients for permission, and for input for tool servers (protocol.md section 7). A missing
// handler, an error and a malformed answer count as no answer.
import { canonicalJson } from "../base/canonicalJson.js";
import type { Clock } from "../base/clock.js";
import { toRfc3339 } from "../base/clock.js";
import { Deferred } from "../base/deferred.js";
import { defined } from "../base/defined.js";
import { DomainError } from "../base/errors.js";
import { type Log, logAbout } from "../base/log.js";
import { untilAborted } from "../base/untilAborted.js";
import type {
  InputAnswer,
  InputRequest,
  Params,
  PermissionAnswer,
  PermissionQuestion,
  Result,
} from "../protocol/registry.js";
import { type Askable, isOf } from "./askable.js";
import type { AskedRun } from "./askedRun.js";
import { OthersQuestions, paramsIn } from "./othersQuestions.js";
import { OwnQuestion } from "./ownQuestion.js";
import { noBook, type QuestionBook } from "./questionBook.js";
import { QuestionRound } from "./questionRound.js";

export interface AskingDeskOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the clients are strangers to each other, and none is asked in another's place. */
  readonly isShared?: boolean;
  /** What this server shares with the others over its data directory; nothing unless given. */
  readonly book?: QuestionBook;
}

type OpenPermission = Result<"listPermissions">["permissions"][number];

/** Sends questions to clients. */
export class AskingDesk {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #isShared: boolean;
  readonly #book: QuestionBook;
  readonly #others: OthersQuestions;
  readonly #connections = new Set<Askable>();
  readonly #open = new Set<OwnQuestion>();

  constructor({ clock, log, isShared = false, book = noBook }: AskingDeskOptions) {
    this.#log = log;
    this.#clock = clock;
    this.#isShared = isShared;
    this.#book = book;
    const connections = () => this.#connections;
    this.#others = new OthersQuestions({ connections, book, clock, log });
  }

  /** Adds a connection; returns the function that removes it. */
  add(connection: Askable): () => void {
    this.#connections.add(connection);
    return () => {
      if (!this.#connections.delete(connection)) return;
      this.#others.drop(connection);
      for (const question of this.#open) question.leave(connection);
    };
  }

  /** The client of a connection has given its identity, and can be asked now. */
  identified(connection: Askable): void {
    for (const question of this.#open) {
      if (isOf(connection, question.clientId)) question.arrive();
    }
  }

  /**
   * Another server may have stored questions or removed some.
   *
   * @throws DomainError `StorageFailed`
   */
  lookAtOthers(): void {
    this.#others.look();
  }

  /**
   * Asks the client of a run, on all its connections: the first valid answer counts. With
   * `permissionSeconds`, the question waits for that client, and goes to every connection of it that
   * comes. Otherwise, if that client is not connected, any other connected client is asked, unless the
   * clients are strangers.
   *
   * `anew` works the question out again before it is put to a connection that comes.
   *
   * Resolves with undefined if there is no answer, or none is needed any more. When the signal is
   * aborted, the question is withdrawn with `$/cancelRequest`, and the promise rejects with the
   * signal's reason.
   */
  async ask(
    run: AskedRun,
    question: PermissionQuestion,
    signal: AbortSignal,
    anew: () => Promise<PermissionQuestion | undefined> = async () => question,
  ): Promise<PermissionAnswer | undefined> {
    signal.throwIfAborted();
    const { clientId, permissionSeconds } = run;
    const own = new OwnQuestion(question, {
      run,
      anew,
      connections: () => (permissionSeconds > 0 ? this.#of(clientId) : this.#asked(clientId)),
      book: permissionSeconds > 0 ? this.#book : noBook,
      clock: this.#clock,
      log: logAbout(this.#log, question),
    });
    this.#open.add(own);
    try {
      own.begin();
      return await untilAborted(own.result, signal);
    } finally {
      own.end();
      this.#open.delete(own);
    }
  }

  /**
   * Takes over the question that an earlier server has asked for the same tool call; undefined if there is
   * none, or if it asked something else.
   */
  adopt(run: number, question: Omit<PermissionQuestion, "permissionId">) {
    const text = canonicalJson(question);
    return this.#book.adopt({
      run,
      isOfCall: (body) => bodyIn(body)?.toolCallId === question.toolCallId,
      isSame: (body) => canonicalJson(bodyIn(body)) === text,
    });
  }

  /** Asks for input for a tool server, if its client is connected; like {@link AskingDesk.ask}. */
  async requestInput(
    clientId: string,
    question: InputRequest,
    signal: AbortSignal,
  ): Promise<InputAnswer | undefined> {
    signal.throwIfAborted();
    const asked = this.#asked(clientId).filter(({ canGiveInput }) => canGiveInput);
    if (asked.length === 0) return undefined;
    const first = new Deferred<InputAnswer | undefined>();
    const round = new QuestionRound("requestInput", question, logAbout(this.#log, question), {
      onAnswer: (answer) => first.resolve(answer),
      onNone: () => {
        if (!round.isOut) first.resolve(undefined);
      },
    });
    for (const one of asked) round.put(one);
    try {
      return await untilAborted(first.promise, signal);
    } finally {
      round.end();
    }
  }

  /**
   * `listPermissions`
   *
   * @throws DomainError `StorageFailed`
   */
  list(
    { workspaceId, sessionId }: Params<"listPermissions">,
    clientId: string,
  ): Result<"listPermissions"> {
    const own = [...this.#open]
      .filter((one) => this.#isClients(one.clientId, clientId) && one.isOpen)
      .map((one) => ({ ...timesOf(one), params: one.question }));
    const now = this.#clock.now();
    const others = this.#book
      .openOf(clientId)
      .filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now)
      .flatMap((one) => {
        const params = paramsIn(one);
        return params === undefined ? [] : [{ ...timesOf(one), params }];
      });
    const all = [...own, ...others]
      .sort((a, b) => a.askedAt - b.askedAt)
      .map(({ params, askedAt, expiresAt }) => ({
        ...(params as PermissionQuestion),
        askedAt: toRfc3339(askedAt),
        ...defined({ expiresAt: expiresAt === undefined ? undefined : toRfc3339(expiresAt) }),
      }))
      .filter((one: OpenPermission) => (workspaceId ?? one.workspaceId) === one.workspaceId)
      .filter((one) => (sessionId ?? one.sessionId) === one.sessionId);
    return { permissions: all };
  }

  /**
   * `answerPermission`
   *
   * @throws DomainError `PermissionNotFound`, `StorageFailed`
   */
  answer(
    { permissionId, ...answer }: Params<"answerPermission">,
    clientId: string,
  ): Result<"answerPermission"> {
    const own = [...this.#open].find((one) => one.question.permissionId === permissionId);
    const isTaken =
      own === undefined
        ? this.#book.give(permissionId, clientId, JSON.stringify(answer), this.#clock.now())
        : this.#isClients(own.clientId, clientId) && own.answer(answer);
    if (isTaken) return {};
    throw new DomainError(
      "PermissionNotFound",
      "This question is not open any more: it was answered, withdrawn or replaced, or its time is over.",
    );
  }

  /** The client's connections; where it has none, another client's unless they are strangers. */
  #asked(clientId: string): readonly Askable[] {
    const own = this.#of(clientId);
    if (own.length > 0 || this.#isShared) return own;
    return [...this.#connections].slice(0, 1);
  }

  #of(clientId: string): readonly Askable[] {
    return [...this.#connections].filter((one) => isOf(one, clientId));
  }

  /** Whether what was asked of `asked` is this client's, perhaps under its earlier identity. */
  #isClients(asked: string, clientId: string): boolean {
    return asked === clientId || this.#of(clientId).some((one) => isOf(one, asked));
  }
}

/** A stored question without its id; undefined if it is damaged. */
function bodyIn(body: string): Omit<PermissionQuestion, "permissionId"> | undefined {
  try {
    const { permissionId: _, ...question } = JSON.parse(body) as PermissionQuestion;
    return question;
  } catch {
    // Nobody can ask the same as damaged text.
    return undefined;
  }
}

function timesOf({ askedAt, expiresAt }: { askedAt: number; expiresAt: number | undefined }) {
  return { askedAt, expiresAt };
}
