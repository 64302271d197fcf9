// Hands over from a turn to the queue behind it (protocol.md section 4): prompts join it, it ends, or
// another server goes on with it.
import type { Prompt, TurnOutcome } from "../engine/engine.js";
import type { Owner } from "../storage/runStore.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { keepFolded } from "./foldedRuns.js";
import type { OpenRuns } from "./openRuns.js";
import type { RunEnding } from "./runEnding.js";
import type { RunParking } from "./runParking.js";
import {
  idle,
  isBusy,
  queueOf,
  type RunRef,
  type SessionInput,
  type SessionState,
  step,
} from "./sessionState.js";
import type { AlsoFold, SessionSteps, TakenStep } from "./sessionSteps.js";

/** What is needed to hand over. */
export interface HandOverParts {
  readonly open: OpenRuns;
  readonly steps: SessionSteps;
  readonly ending: RunEnding;
  readonly parking: RunParking;
  ownerOf(position: number): Owner;
  apply(sessionId: string, input: SessionInput, alsoFold?: AlsoFold): TakenStep;
  tellSession(sessionId: string, state?: SessionState): void;
}

/** Hands over between the turns of one workspace. */
export class TurnHandOver {
  readonly #options: CoordinatorOptions;
  readonly #parts: HandOverParts;

  constructor(options: CoordinatorOptions, parts: HandOverParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Queued prompts join a turn at its next model call; `store` writes more in the same commit. */
  fold(run: AcceptedRun, store: (prompts: readonly Prompt[]) => void): readonly Prompt[] {
    const { sessionId } = run.request;
    // Prompts that were sent before the model is called join the call.
    this.#options.commits.settle(sessionId);
    const promptsOf = (refs: readonly RunRef[]) =>
      refs.map(({ position }) => this.#parts.open.get(position).request.prompt);
    const alsoFold = (refs: readonly RunRef[]) => {
      store(promptsOf(refs));
      keepFolded(
        this.#options,
        run,
        refs.map(({ position }) => this.#parts.open.get(position)),
      );
    };
    const { effects } = this.#parts.apply(sessionId, { type: "fold" }, alsoFold);
    const joining = effects.flatMap((effect) => (effect.type === "fold" ? effect.runs : []));
    const prompts = promptsOf(joining);
    this.#parts.open.fold(joining, run);
    return prompts;
  }

  /** The one place where a turn's end hands over to the queue. */
  end(run: AcceptedRun, outcome: TurnOutcome): void {
    const { sessionId } = run.request;
    if (run.hasParked) this.#parts.parking.park(run);
    if (run.isLost) {
      this.#lost(run);
      return;
    }
    const after = () => step(this.#parts.steps.of(sessionId), { type: "ended" });
    let told: SessionState | undefined;
    this.#parts.ending.finish(run, outcome, {
      announce: () => {
        for (const child of run.children.keys()) this.#parts.tellSession(child, idle);
        told = after().state;
        this.#parts.tellSession(sessionId, told);
      },
      alsoWrite: () => {
        for (const effect of after().effects) {
          if (effect.type !== "start") continue;
          const { position } = effect.run;
          this.#options.runs.setState(position, "accepted", this.#parts.ownerOf(position));
        }
      },
      done: () => {
        if (run.isLost) {
          this.#lost(run);
          return;
        }
        const { after: state } = this.#parts.apply(sessionId, { type: "ended" });
        // If the disk delayed this end, the queued runs may have been cancelled meanwhile.
        const isAsTold = told !== undefined && isBusy(told) === isBusy(state);
        if (!isAsTold) this.#parts.tellSession(sessionId, state);
        this.#parts.open.end(run.ref.position, outcome);
      },
    });
  }

  /** Stops the turns that another server goes on with, because it took this one for dead. */
  dropLost(): void {
    const { runs } = this.#options;
    for (const run of this.#parts.open.all()) {
      const { position } = run.ref;
      const isOurs = !run.isUnderWay || runs.isOwned(position, this.#parts.ownerOf(position));
      if (run.goesOn && !isOurs && runs.at(position)?.state !== "completed") run.lose();
    }
  }

  /** Another server has the session now, or will have it: nothing of it is left here. */
  #lost(run: AcceptedRun): void {
    const { sessionId } = run.request;
    // What was queued behind a parked run is dropped, or waits as it does.
    if (run.parking.aborted) this.#parts.apply(sessionId, { type: "close", cause: "shutdown" });
    const queue = queueOf(this.#parts.steps.of(sessionId));
    run.closeMessages();
    this.#parts.open.leave([run.ref, ...run.joined.map(({ ref }) => ref), ...queue]);
    this.#parts.steps.set(sessionId, idle);
    this.#parts.tellSession(sessionId);
  }
}
