// What protocol.md sections 4 and 7 promise of questions, as plainly as it can be said: which answers
// count, who is asked, and when a question is over, whichever server has the run.
import { expect } from "vitest";
import type { PermissionAnswer, PermissionQuestion } from "../../src/protocol/registry.js";

/** One question, as a client knows it. */
interface Question {
  readonly id: string;
  readonly askedAt: number;
  /** What it asked. */
  readonly version: number;
  /** Every valid answer of its client that a server took. */
  readonly given: PermissionAnswer[];
  /** The answer of which a client was told that it counts. */
  confirmed?: PermissionAnswer;
  /** Somebody gave an answer that was none. */
  hadNonsense: boolean;
}

/** A call of a tool that needs an answer. */
export interface AskedCall {
  readonly toolCallId: string;
  /** The position of its run. */
  readonly run: number;
  readonly client: string;
  readonly seconds: number;
  readonly goesOn: boolean;
  /** What would happen now. */
  version: number;
  /** Whether nobody needs to be asked any more. */
  isDecided: boolean;
  readonly questions: Question[];
  /** Since when no connection of its client lives; undefined while one does. */
  aloneSince: number | undefined;
  /** The same, if nobody has noticed a connection to another server that was there for a moment. */
  unnoticedSince: number | undefined;
  /** When a server last had its run that was taken for dead, and for which its client may be there. */
  lostOwnerAt?: number;
  /** When its client came last, if it was not there before. */
  cameAt?: number;
  hasChangedServer: boolean;
  /** Its client came back when its time may have been over, while no server had its run. */
  isLate?: boolean;
  /** What the server of the run went by. */
  verdict?: "allowed" | "denied";
  /** Whether a server was allowed to do it. */
  mayHappen: boolean;
}

/** A connection to another server that ends sooner may not be noticed, in milliseconds. */
const noticedAfterMs = 1500;

/** Follows the questions of a history. */
export class AskingLedger {
  readonly calls = new Map<string, AskedCall>();

  /** Every question that there was, of whoever. */
  get questions(): { readonly call: AskedCall; readonly question: Question }[] {
    return [...this.calls.values()].flatMap((call) =>
      call.questions.map((question) => ({ call, question })),
    );
  }

  /** A server asks. If the run was taken over and nothing has changed, it is the same question. */
  asked(
    call: AskedCall,
    { permissionId: id, description }: Pick<PermissionQuestion, "permissionId" | "description">,
    now: number,
  ): void {
    const last = call.questions.at(-1);
    if (last?.id === id) {
      expect(description, `${id} asks the same as ever`).toBe(String(last.version));
      return;
    }
    expect(
      call.questions.map((one) => one.id),
      "an id is of one question",
    ).not.toContain(id);
    if (last !== undefined && call.seconds > 0) {
      expect(last.version, `${last.id} is replaced only if something else would happen`).not.toBe(
        call.version,
      );
    }
    call.questions.push({ id, askedAt: now, version: call.version, given: [], hadNonsense: false });
  }

  /** How long the present question has waited without its client, in milliseconds. */
  aloneFor({ aloneSince, lostOwnerAt, questions }: AskedCall, now: number): number {
    const askedAt = questions.at(-1)?.askedAt ?? now;
    return aloneSince === undefined ? 0 : now - Math.max(aloneSince, askedAt, lostOwnerAt ?? 0);
  }

  /** Its client has come, or is gone. */
  isThere(call: AskedCall, isThere: boolean, now: number): void {
    const { aloneSince, seconds } = call;
    if (isThere && aloneSince !== undefined) {
      if (this.#longestAloneFor(call, now) > seconds * 700 - 1000) call.isLate = true;
      call.cameAt = now;
      call.aloneSince = undefined;
    } else if (!isThere && aloneSince === undefined) {
      call.aloneSince = now;
      if (!this.#hasJustCome(call, now)) call.unnoticedSince = now;
    }
  }

  #hasJustCome({ cameAt }: AskedCall, now: number): boolean {
    return cameAt !== undefined && now - cameAt < noticedAfterMs;
  }

  /** Like {@link aloneFor}, as a server may see it that has not noticed a connection. */
  #longestAloneFor(call: AskedCall, now: number): number {
    const { aloneSince, unnoticedSince, questions } = call;
    if (aloneSince === undefined && !this.#hasJustCome(call, now)) return 0;
    return now - Math.max(unnoticedSince ?? now, questions[0]?.askedAt ?? now);
  }

  of(id: string): { readonly call: AskedCall; readonly question: Question } | undefined {
    return this.questions.find(({ question }) => question.id === id);
  }

  /**
   * Whether every server takes an answer of its client to a question: it waits, nobody has answered it, its
   * time is not over, and nothing else would happen now.
   */
  isCertainlyOpen(id: string, now: number): boolean {
    const { call, question } = this.of(id) ?? {};
    if (call === undefined || question === undefined || call.seconds === 0) return false;
    const isPresent = call.questions.at(-1) === question && question.version === call.version;
    const isUnanswered = question.given.length === 0 && !question.hadNonsense;
    const hasTime = this.#longestAloneFor(call, now) < call.seconds * 700 - 1000;
    const isOpen = call.verdict === undefined && !call.isDecided && call.goesOn && !call.isLate;
    return isPresent && isUnanswered && hasTime && isOpen;
  }

  /** A client gave an answer in a window. */
  gave(id: string, answer: PermissionAnswer | undefined): void {
    const found = this.of(id);
    // Asked by a server that had lost the run.
    if (found === undefined) return;
    if (answer === undefined) found.question.hadNonsense = true;
    else found.question.given.push(answer);
  }

  /** A server said of an answer that it counts. */
  confirmed(id: string, client: string, answer: PermissionAnswer, isRunOpen: boolean): void {
    const found = this.of(id);
    if (found === undefined) throw new Error(`nobody has asked ${id}`);
    const { call, question } = found;
    expect(call.client, `${id} is answered by its client alone`).toBe(client);
    expect(isRunOpen, `the run of ${id} is open`).toBe(true);
    expect(call.verdict, `${id} is still open`).toBeUndefined();
    expect(call.questions.at(-1)?.id, `${id} is not replaced`).toBe(id);
    expect(question.confirmed, `${id} has no answer yet`).toBeUndefined();
    question.confirmed = answer;
    question.given.push(answer);
  }

  /** The server that has the run goes by this answer; undefined: nobody gave one. */
  decided(call: AskedCall, answer: PermissionAnswer | undefined, now: number): void {
    const question = call.questions.at(-1);
    const { toolCallId, seconds } = call;
    expect(call.verdict, `${toolCallId} is decided once`).toBeUndefined();
    if (call.isDecided) {
      call.verdict = "allowed";
      return;
    }
    call.verdict = answer?.decision === "allow" ? "allowed" : "denied";
    call.mayHappen = call.verdict === "allowed";
    if (question === undefined) throw new Error(`${toolCallId} was decided and never asked`);
    if (question.confirmed !== undefined) {
      expect(answer, `what was confirmed of ${question.id} counts`).toEqual(question.confirmed);
    } else if (answer !== undefined) {
      expect(question.given, `${question.id} has an answer that was given`).toContainEqual(answer);
    } else if (seconds > 0 && !question.hadNonsense && call.isLate !== true) {
      // Of a server that is lost it is known only roughly when it lived last; a step is half a second.
      const least = seconds * (call.hasChangedServer ? 700 : 1000) - 1000;
      // One that was replaced keeps the time of the question before it.
      // While no server has the run, its time goes on though its client may have come.
      const alone = call.hasChangedServer
        ? now - question.askedAt
        : this.#longestAloneFor(call, now);
      expect(alone, `${question.id} waits`).toBeGreaterThanOrEqual(least);
    }
  }

  /** A server that has lost its run, and may not know it yet, goes by this answer. */
  decidedByLost(call: AskedCall, answer: PermissionAnswer | undefined): void {
    if (answer === undefined) return;
    const given = this.questions.flatMap(({ question }) => question.given);
    expect(given, `${call.toolCallId} has an answer that was given`).toContainEqual(answer);
    if (!call.goesOn && answer.decision === "allow") call.mayHappen = true;
  }
}
