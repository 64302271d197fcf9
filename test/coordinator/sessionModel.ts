// The contract's rules for the runs of one workspace (sections 4 and 5), as plainly as they can be
// said: what histories.test.ts compares the real coordinator with. It knows nothing of promises:
// what the engine was told to do happens at the next `settle`.
import type { AcceptedRun } from "../../src/coordinator/acceptedRun.js";
import type { RunOptions } from "../../src/protocol/objects/runOptions.js";

export type Status = "succeeded" | "failed" | "cancelled" | "interrupted";

/** A run that was accepted. */
export interface ModelRun {
  readonly handle: AcceptedRun;
  readonly session: ModelSession;
  readonly position: number;
  readonly runId: string | undefined;
  /** As it was sent. */
  readonly text: string;
  /** As it is to be said. */
  edited?: string;
  readonly kind: "prompt" | "summary";
  /** The options that it was sent with; with any it waits for a turn of its own. */
  readonly options?: RunOptions | undefined;
  folded: number;
  /** The runs with a `runId` that have joined its turn. */
  readonly joined: ModelRun[];
  /** Where it stands among the runs of its session. */
  place: number;
  /** Whether its prompt is kept on disk. */
  isKept: boolean;
  /** Whether it was left by a server that has ended: one that cannot be made ready is then tried again. */
  wasLeft?: boolean;
  state: "accepted" | "queued" | "running" | "completed";
}

/**
 * Where the present run is. `called`, `saidLast` and `broke` mean that the engine was told so, and
 * that it has not come to it yet; with an agent's program, so do `opened` (the agent's own session) and
 * `asked` (a permission).
 */
type Phase =
  | "starting"
  | "preparing"
  | "ready"
  | "unready"
  | "calling"
  | "opened"
  | "asked"
  | "called"
  | "saidLast"
  | "broke"
  | "stopped"
  | "writing";

export interface Current {
  readonly run: ModelRun;
  phase: Phase;
  hasBegun: boolean;
  isCancelled: boolean;
  status: Status;
  /** Whether the agent's own session is not open yet. */
  isOpening?: boolean;
  /** How long the agent has not answered a cancel, in milliseconds. */
  waitedMs?: number;
}

/** What holds for the runs of every session. */
export interface ModelSurroundings {
  isBroken: boolean;
  /** Whether a cancelled turn ends without further ado. */
  readonly stopsAtOnce: boolean;
  /** Whether messages wait for a commit that they share. */
  readonly sharesCommits: boolean;
  /** The agent whose program runs the turns; absent for the built-in engine. */
  readonly agent?: { readonly steers: boolean } | undefined;
}

/** What a completion must say. */
export interface Expected {
  readonly position: number;
  readonly runId: string | undefined;
  readonly status: Status;
  readonly folded: number;
  /** The run whose turn it joined. */
  readonly joined?: { readonly runId?: string };
}

export class ModelSession {
  readonly id: string;
  current: Current | undefined;
  queue: ModelRun[] = [];
  /** What was dropped while the disk took nothing: it is written as soon as it does. */
  owed: ModelRun[] = [];
  isClosing = false;
  /** Whether its workspace is closed or being closed: then no queue is taken over. */
  isShut = false;
  isPaused = false;
  /** Whether what waits is no server's: nobody has changed the queue since its own ended. */
  isLeft = false;
  readonly completions: Expected[] = [];
  readonly #disk: ModelSurroundings;

  constructor(id: string, disk: ModelSurroundings) {
    this.id = id;
    this.#disk = disk;
  }

  get isBusy(): boolean {
    return this.current !== undefined;
  }

  accept(run: ModelRun): void {
    const waits = this.isPaused && run.kind === "prompt";
    if (this.current === undefined && !waits) this.#start(run);
    else this.queue.push(run);
    run.isKept = this.isPaused && this.current?.run !== run;
    run.state = this.current?.run === run ? "accepted" : "queued";
  }

  #start(run: ModelRun): void {
    run.state = "accepted";
    run.isKept = false;
    const flags = { hasBegun: false, isCancelled: false, status: "succeeded" } as const;
    this.current = { run, phase: "starting", ...flags };
  }

  /** What a `cancelSession` covers now. */
  covered(): { runId?: string; was: string }[] {
    const { current } = this;
    if (this.isShut) return [];
    const own =
      current === undefined || current.isCancelled
        ? []
        : [{ ...idOf(current.run), was: current.hasBegun ? "running" : "accepted" }];
    const joined = own.length === 0 ? [] : (current?.run.joined ?? []);
    return [
      ...own,
      ...joined.map((run) => ({ ...idOf(run), was: "running" })),
      ...this.queue.map((run) => ({ ...idOf(run), was: "queued" })),
    ];
  }

  /** What of the queue can be seen and changed: a session that is closing has given it up. */
  get visible(): readonly ModelRun[] {
    return this.isClosing ? [] : this.queue;
  }

  /** What of the queue a change reaches. */
  get changeable(): readonly ModelRun[] {
    return this.isShut ? [] : this.queue;
  }

  /** Whether the next change must first make the queue its server's. */
  get isToBeTakenOver(): boolean {
    return (
      this.isLeft &&
      !this.isShut &&
      this.isPaused &&
      this.current === undefined &&
      this.queue.length > 0
    );
  }

  cancel(): void {
    if (this.isShut) return;
    if (this.current !== undefined) this.current.isCancelled = true;
    this.drop(this.queue);
  }

  drop(runs: readonly ModelRun[]): void {
    this.queue = this.queue.filter((other) => !runs.includes(other));
    this.owed.push(...runs);
    this.#writeOwed();
  }

  #writeOwed(): void {
    if (this.#disk.isBroken) return;
    for (const run of this.owed.splice(0)) {
      run.state = "completed";
      if (run.runId !== undefined) this.#expect(run, "cancelled");
    }
  }

  close(cause: "deleted" | "shutdown"): void {
    const kept = this.isPaused && cause !== "deleted" ? this.queue.splice(0) : [];
    this.cancel();
    this.isClosing = this.current !== undefined;
    this.queue = kept;
    for (const run of kept) run.wasLeft = true;
    this.isLeft = true;
    this.isShut = true;
  }

  /** From now on what waits stays, or goes on. */
  setPaused(isPaused: boolean): void {
    this.isPaused = isPaused;
    for (const run of this.queue) run.isKept = isPaused;
    if (!isPaused && this.current === undefined) this.#startNext();
  }

  move(run: ModelRun, before: ModelRun | undefined): void {
    if (run === before) return;
    this.queue = this.queue.filter((other) => other !== run);
    this.queue.splice(before === undefined ? Infinity : this.queue.indexOf(before), 0, run);
    const places = this.queue.map(({ place }) => place).toSorted((a, b) => a - b);
    for (const [index, one] of this.queue.entries()) one.place = places[index] ?? one.place;
  }

  /** The server died, and another has tidied up; returns how many completions that gave. */
  interrupt(): number {
    const before = this.completions.length;
    const current = this.current === undefined ? [] : [this.current.run];
    const open = [...current, ...this.queue, ...this.owed].toSorted((a, b) => a.place - b.place);
    const kept = open.filter((run) => this.isPaused && run.isKept);
    const begun = this.current?.hasBegun ? this.current.run : undefined;
    for (const run of open.filter((one) => !kept.includes(one))) {
      run.state = "completed";
      const isTold = run.runId !== undefined || (run === begun && run.kind === "prompt");
      if (isTold) this.#expect(run, "interrupted");
      if (isTold) this.#endJoined(run, "interrupted");
    }
    this.current = undefined;
    this.queue = kept;
    for (const run of kept) run.wasLeft = true;
    this.isLeft = true;
    this.owed = [];
    this.isClosing = false;
    this.isShut = false;
    return this.completions.length - before;
  }

  #expect(run: ModelRun, status: Status): void {
    const { position, runId, folded } = run;
    this.completions.push({ position, runId, status, folded });
  }

  #endJoined(turn: ModelRun, status: Status): void {
    for (const run of turn.joined.toSorted((a, b) => a.position - b.position)) {
      run.state = "completed";
      const { position, runId } = run;
      this.completions.push({ position, runId, status, folded: 0, joined: idOf(turn) });
    }
  }

  /** Everything that can happen without the test's doing happens. */
  settle(): void {
    this.#writeOwed();
    for (;;) {
      const { current } = this;
      if (current === undefined || !this.#advance(current)) return;
    }
  }

  /** One step of the present run; false where it waits. */
  #advance(current: Current): boolean {
    switch (current.phase) {
      case "starting":
        if (current.isCancelled) return this.#over(current, "cancelled");
        current.phase = "preparing";
        return true;
      case "preparing":
        return current.isCancelled && this.#over(current, "cancelled");
      case "unready":
        return this.#over(current, current.isCancelled ? "cancelled" : "failed");
      case "ready":
        return this.#begin(current);
      case "called":
        return this.#call(current);
      case "calling":
        if (!current.isCancelled) return false;
        return (
          (this.#disk.stopsAtOnce || current.isOpening === true) && this.#over(current, "cancelled")
        );
      case "opened":
        if (current.isCancelled) return this.#over(current, "cancelled");
        return this.#unlessBroken(current);
      case "asked":
        current.phase = "calling";
        return true;
      case "stopped":
        return this.#over(current, "cancelled");
      case "broke":
        return this.#over(current, current.isCancelled ? "cancelled" : "failed");
      case "saidLast":
        // What the agent has said is still on its way when the cancel comes.
        if (this.#disk.agent && current.isCancelled) return this.#over(current, "cancelled");
        if (!this.#failsBroken(current)) return this.#over(current, current.status);
        return this.#over(current, current.isCancelled ? "cancelled" : "failed");
      case "writing":
        if (this.#disk.isBroken) return false;
        this.#finish(current);
        return true;
    }
  }

  #begin(current: Current): boolean {
    if (current.isCancelled) return this.#over(current, "cancelled");
    if (this.#disk.isBroken) return this.#over(current, "failed");
    current.hasBegun = true;
    current.run.state = "running";
    if (this.#disk.agent === undefined) return this.#call(current);
    // No prompt joins before the agent has begun.
    current.phase = "calling";
    return true;
  }

  /** A reply that shares a commit waits for the disk with the end of its run; what a summary replaces does not. */
  #failsBroken({ run, status }: Current): boolean {
    if (!this.#disk.isBroken) return false;
    if (!this.#disk.sharesCommits) return true;
    return this.#disk.agent !== undefined || (run.kind === "summary" && status === "succeeded");
  }

  /** The agent's session must be noted before the agent gets its prompt. */
  #unlessBroken(current: Current): true {
    current.phase = "calling";
    const fails = this.#disk.isBroken && !current.isCancelled;
    return fails ? this.#over(current, "failed") : true;
  }

  /** The next model call: what is queued without a runId joins, unless a cancel came first. */
  #call(current: Current): boolean {
    const { agent } = this.#disk;
    current.phase = "calling";
    if (current.isCancelled) return true;
    if (current.run.kind === "summary" || this.isPaused || agent?.steers === false) return true;
    const joining = this.queue.filter(joins);
    if (joining.length === 0) return true;
    if (this.#disk.isBroken) return this.#over(current, "failed");
    this.queue = this.queue.filter((run) => !joins(run));
    for (const run of joining) run.state = run.runId === undefined ? "completed" : "running";
    current.run.joined.push(...joining.filter(({ runId }) => runId !== undefined));
    current.run.folded += joining.length;
    return true;
  }

  #over(current: Current, status: Status): true {
    current.status = status;
    current.phase = "writing";
    return true;
  }

  #finish(current: Current): void {
    const { run, hasBegun, status } = current;
    run.state = "completed";
    const isTold =
      run.runId !== undefined || (run.kind === "prompt" && (hasBegun || status === "cancelled"));
    if (isTold) this.#expect(run, status);
    this.#endJoined(run, status);
    this.current = undefined;
    if (!this.isPaused && !this.isClosing) this.#startNext();
    this.isClosing = false;
  }

  #startNext(): void {
    const next = this.queue.shift();
    if (next !== undefined) this.#start(next);
  }
}

function idOf(run: ModelRun): { runId?: string } {
  return run.runId === undefined ? {} : { runId: run.runId };
}

function joins({ runId, options }: ModelRun): boolean {
  return options?.whenBusy === "join" || (runId === undefined && options === undefined);
}
