// What a careful client keeps: which runs it sent, which completions it has taken in, which of those
// it has been told are acknowledged. It survives every crash of servers and windows, and it
// complains of whatever breaks the promise of docs/delivery.md.
import type { RunComplete } from "../../src/protocol/objects/run.js";

/** A run as its client knows it. */
export interface SentRun {
  readonly runId: string;
  readonly session: number;
  readonly prompt: string;
  /** Whether a server has answered that it is accepted. */
  isAnswered: boolean;
  /** Whether something other than its own end could have ended it. */
  wasEndangered: boolean;
  wasCancelled: boolean;
}

/** The books of one client identity; two windows may share them. */
export class Books {
  readonly clientId: string;
  readonly runs = new Map<string, SentRun>();
  readonly completions = new Map<string, RunComplete>();
  readonly acknowledged = new Set<string>();
  /** Those too of which no answer has told that they are. */
  readonly askedToAcknowledge = new Set<string>();
  readonly complaints: string[] = [];
  readonly #completionOf = new Map<string, string>();
  readonly #attempts = new Map<string, number[]>();
  readonly #isShared: boolean;

  /**
   * Two windows that share the books read two pipes, and what came through one says nothing of the
   * order in the other: a delivery may still be under way there when an acknowledgement, or a later
   * delivery, has arrived here.
   */
  constructor(clientId: string, isShared: boolean) {
    this.clientId = clientId;
    this.#isShared = isShared;
  }

  /** Writes down that a run is about to be sent. */
  send(runId: string, session: number, prompt: string): SentRun {
    const run: SentRun = {
      runId,
      session,
      prompt,
      isAnswered: false,
      wasEndangered: false,
      wasCancelled: false,
    };
    this.runs.set(runId, run);
    return run;
  }

  /** Takes a delivery in; whoever calls it acknowledges afterwards. */
  enter(completion: RunComplete): void {
    const { completionId, runId = "", attempt } = completion;
    const complain = (what: string) => this.complaints.push(`${runId} ${completionId}: ${what}`);
    const attempts = this.#attempts.get(completionId) ?? [];
    this.#attempts.set(completionId, [...attempts, attempt]);
    if (attempts.includes(attempt)) complain(`attempt ${attempt} came twice`);
    if (!this.#isShared) {
      if (this.acknowledged.has(completionId)) complain("delivered after its acknowledgement");
      const last = Math.max(0, ...attempts);
      if (attempt < last) complain(`attempt ${attempt} came after attempt ${last}`);
    }
    if (!this.runs.has(runId)) complain("nobody sent this run");
    const known = this.completions.get(completionId);
    if (known !== undefined && known.sequence !== completion.sequence) {
      complain(`sequence ${completion.sequence} was ${known.sequence}`);
    }
    const other = this.#completionOf.get(runId);
    if (other !== undefined && other !== completionId) complain(`the run has ${other} as well`);
    this.#completionOf.set(runId, completionId);
    this.completions.set(completionId, completion);
  }

  /** The completion of a run, once it is taken in. */
  completionOf(runId: string): RunComplete | undefined {
    return this.completions.get(this.#completionOf.get(runId) ?? "");
  }

  /** A number that grows whenever something comes about. */
  get happened(): number {
    const answered = [...this.runs.values()].filter(({ isAnswered }) => isAnswered).length;
    return answered + this.completions.size + this.acknowledged.size;
  }

  /** Whether every run is answered, taken in and acknowledged. */
  get isSettled(): boolean {
    return [...this.runs.values()].every(({ runId, isAnswered }) => {
      const completion = this.completionOf(runId);
      return (
        isAnswered && completion !== undefined && this.acknowledged.has(completion.completionId)
      );
    });
  }
}
