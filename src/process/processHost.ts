// What the commands of all workspaces of a server share: one reaper, one way to look at what runs,
// and a bound on how many run at once.
import type { Clock } from "../base/clock.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import { type EndTreeOptions, endTree, killTree } from "./endTree.js";
import { ProcessMarks } from "./processMark.js";
import { ProcessLooks, type ProcessTree } from "./processTable.js";
import { ProcessReaper } from "./reaper.js";
import { Slots } from "./slots.js";
import { WorkerThreads } from "./workerThreads.js";

export interface ProcessHostOptions {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** Commands that are waited for and run at once; more wait. */
const mostCommands = 32;
/** Background jobs of all sessions together. */
const mostJobs = 64;

/** The owner of what watches over child processes; one a server. It starts nothing by itself. */
export class ProcessHost {
  readonly marks: ProcessMarks;
  readonly reaper: ProcessReaper;
  /** Slots for commands that a turn waits for. */
  readonly commands = new Slots(mostCommands);
  /** Slots for commands in the background, which may run for hours. */
  readonly jobs = new Slots(mostJobs);
  /** Threads for work that takes long or may never end. */
  readonly threads: WorkerThreads;
  readonly #options: ProcessHostOptions;
  readonly #looks = new ProcessLooks();

  constructor(options: ProcessHostOptions) {
    this.#options = options;
    this.marks = new ProcessMarks(options.ids.next("own"));
    this.reaper = new ProcessReaper(this.marks, options.log);
    this.threads = new WorkerThreads(options.clock);
  }

  /** Ends a tree; resolves when none of it lives. Does nothing for one that has ended. */
  endTree(tree: ProcessTree): Promise<void> {
    return endTree(tree, this.#ending());
  }

  /** Ends a tree by force and at once; resolves when none of it lives, or after half a second. */
  killTree(tree: ProcessTree): Promise<void> {
    return killTree(tree, this.#ending());
  }

  #ending(): EndTreeOptions {
    const { clock, log } = this.#options;
    return { clock, log, looks: this.#looks };
  }

  /** Ends what watches, and every process group that is still registered. */
  close(): Promise<void> {
    return this.reaper.close();
  }
}
