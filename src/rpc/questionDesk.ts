// Where questions go out to clients (protocol.md section 7). What asks is loaded with the first
// question: most servers start without one.

import { messageOf } from "../base/errors.js";
import type {
  InputAnswer,
  InputRequest,
  Params,
  PermissionAnswer,
  PermissionQuestion,
  Result,
} from "../protocol/registry.js";
import type { Askable } from "./askable.js";
import type { AskedRun } from "./askedRun.js";
import type { AskingDesk, AskingDeskOptions } from "./askingDesk.js";
import type { BookedQuestion } from "./questionBook.js";

/** Sends questions to clients. */
export class QuestionDesk {
  readonly #options: AskingDeskOptions;
  /** Every connection, and what removes it from the desk that asks, once that is loaded. */
  readonly #connections = new Map<Askable, (() => void) | undefined>();
  #desk: AskingDesk | undefined;
  #loading: Promise<AskingDesk> | undefined;

  constructor(options: AskingDeskOptions) {
    this.#options = options;
  }

  /** Adds a connection; returns the function that removes it. */
  add(connection: Askable): () => void {
    this.#connections.set(connection, this.#desk?.add(connection));
    return () => {
      this.#connections.get(connection)?.();
      this.#connections.delete(connection);
    };
  }

  /** The client of a connection has given its identity, and can be asked now. */
  identified(connection: Askable): void {
    this.#desk?.identified(connection);
  }

  /**
   * Another server may have stored questions or removed some.
   *
   * @throws DomainError `StorageFailed`
   */
  lookAtOthers(): void {
    this.#desk?.lookAtOthers();
    const { book, log } = this.#options;
    if (this.#desk !== undefined || book === undefined || book.putByOthers().length === 0) return;
    this.#loaded()
      .then((desk) => desk.lookAtOthers())
      .catch((error: unknown) => {
        log.warn({ reason: messageOf(error) }, "questions of other servers could not be put");
      });
  }

  /** See {@link AskingDesk.ask}. */
  async ask(
    run: AskedRun,
    question: PermissionQuestion,
    signal: AbortSignal,
    anew?: () => Promise<PermissionQuestion | undefined>,
  ): Promise<PermissionAnswer | undefined> {
    return (await this.#loaded()).ask(run, question, signal, anew);
  }

  /**
   * See {@link AskingDesk.adopt}.
   *
   * @throws DomainError `StorageFailed`
   */
  async adopt(
    run: number,
    question: Omit<PermissionQuestion, "permissionId">,
  ): Promise<BookedQuestion | undefined> {
    return (await this.#loaded()).adopt(run, question);
  }

  /** See {@link AskingDesk.requestInput}. */
  async requestInput(
    clientId: string,
    question: InputRequest,
    signal: AbortSignal,
  ): Promise<InputAnswer | undefined> {
    return (await this.#loaded()).requestInput(clientId, question, signal);
  }

  /** See {@link AskingDesk.list}. */
  async list(
    params: Params<"listPermissions">,
    clientId: string,
  ): Promise<Result<"listPermissions">> {
    return (await this.#loaded()).list(params, clientId);
  }

  /** See {@link AskingDesk.answer}. */
  async answer(
    params: Params<"answerPermission">,
    clientId: string,
  ): Promise<Result<"answerPermission">> {
    return (await this.#loaded()).answer(params, clientId);
  }

  #loaded(): Promise<AskingDesk> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #load(): Promise<AskingDesk> {
    const { AskingDesk } = await import("./askingDesk.js");
    const desk = new AskingDesk(this.#options);
    for (const connection of this.#connections.keys()) {
      this.#connections.set(connection, desk.add(connection));
    }
    this.#desk = desk;
    return desk;
  }
}
