// What holds for the completions of one connection (protocol.md section 5).
import { type Members, textOf } from "./message.js";

interface Seen {
  readonly sequence: number;
  attempt: number;
  readonly text: string;
}

/** Looks at every completion, and at what comes after it. */
export class CompletionWatch {
  readonly #report: (requirementId: string, message: string) => void;
  readonly #seen = new Map<string, Seen>();
  readonly #ofRun = new Map<string, string>();
  /** The highest sequence that each session has been given for the first time. */
  readonly #newest = new Map<string, number>();

  constructor(report: (requirementId: string, message: string) => void) {
    this.#report = report;
  }

  onCompletion(completion: Members): void {
    const id = textOf(completion, "completionId");
    const sequence = Number(completion.sequence);
    const attempt = Number(completion.attempt);
    const text = JSON.stringify({ ...completion, attempt: 0 });
    const before = this.#seen.get(id);
    if (before !== undefined) {
      if (attempt <= before.attempt) {
        this.#report(
          "TW-DELIVERY-004",
          `${id} came again as attempt ${attempt}, after ${before.attempt}`,
        );
      }
      if (text !== before.text) this.#report("TW-DELIVERY-004", `${id} came again changed`);
      before.attempt = attempt;
      return;
    }
    this.#seen.set(id, { sequence, attempt, text });
    this.#onFirst(id, sequence, completion);
  }

  #onFirst(id: string, sequence: number, completion: Members): void {
    const session = textOf(completion, "sessionId");
    const run = JSON.stringify([completion.workspaceId, completion.runId]);
    const other = this.#ofRun.get(run);
    if (completion.runId !== undefined && other !== undefined) {
      this.#report("TW-DELIVERY-001", `run ${run} has the completions ${other} and ${id}`);
    }
    this.#ofRun.set(run, id);
    const newest = this.#newest.get(session) ?? Number.NEGATIVE_INFINITY;
    if (sequence < newest) {
      this.#report("TW-DELIVERY-007", `completion ${sequence} came after ${newest}`);
    }
    this.#newest.set(session, Math.max(newest, sequence));
  }

  /** Any other notification: none of a run comes after its completion. */
  onEvent(method: string, params: Members): void {
    if (typeof params.runId !== "string") return;
    const run = JSON.stringify([params.workspaceId, params.runId]);
    if (this.#ofRun.has(run)) {
      this.#report("TW-DELIVERY-008", `${method} of run ${run} came after its completion`);
    }
  }
}
