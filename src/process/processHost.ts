// What the commands of all workspaces of a server share: one reaper, one view of the running
// processes, and a limit on how many commands run at once.
import type { Clock } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { EndTreeOptions } from "./endTree.js";
import { ProcessMarks } from "./processMark.js";
import type { ProcessLooks as Looks, ProcessTree } from "./processTable.js";
import { ProcessReaper } from "./reaper.js";
import { serverMark } from "./serverMark.js";
import { Slots } from "./slots.js";
import type { WorkProcesses, WorkRunner } from "./workProcesses.js";

export interface ProcessHostOptions {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** How many commands that a turn waits for run at the same time; further ones wait. */
const mostCommands = 32;
/** The most background jobs of all sessions together. */
const mostJobs = 64;

/** Owns what watches over child processes. There is one per server. It starts nothing by itself. */
export class ProcessHost {
  readonly marks: ProcessMarks;
  readonly reaper: ProcessReaper;
  /** Slots for commands that a turn waits for. */
  readonly commands = new Slots(mostCommands);
  /** Slots for commands in the background, which may run for hours. */
  readonly jobs = new Slots(mostJobs);
  /** Processes for work that takes long, may never end, or may take all memory. */
  readonly work: WorkRunner = {
    run: async (task, signal) => (await this.#loadWork()).run(task, signal),
  };
  readonly #options: ProcessHostOptions;
  #looks: Looks | undefined;
  #work: WorkProcesses | undefined;

  constructor(options: ProcessHostOptions) {
    this.#options = options;
    this.marks = new ProcessMarks(options.ids.next("own"));
    this.reaper = new ProcessReaper(this.marks, options.log);
  }

  /** Ends a tree; resolves when none of its processes lives. Does nothing if it has ended. */
  async endTree(tree: ProcessTree): Promise<void> {
    const { endTree, options } = await this.#ending();
    await endTree(tree, options);
  }

  /**
   * Ends a tree by force and at once; resolves when none of its processes lives, or after half a
   * second.
   */
  async killTree(tree: ProcessTree): Promise<void> {
    const { killTree, options } = await this.#ending();
    await killTree(tree, options);
  }

  /** The mark of its own commands, and how to end those of a server that is gone. `place` is its own. */
  commandMarks(place: string | undefined): { own: string; end(mark: string): Promise<boolean> } {
    return {
      own: serverMark(this.marks, place),
      end: async (mark) => {
        try {
          const { endMarked, options } = await this.#ending();
          return await endMarked(mark, place, options);
        } catch (error) {
          this.#options.log.error({ error: messageOf(error) }, "lost commands were not looked for");
          return false;
        }
      },
    };
  }

  async #loadWork(): Promise<WorkProcesses> {
    const { WorkProcesses } = await import("./workProcesses.js");
    this.#work ??= new WorkProcesses(this.#options.clock);
    return this.#work;
  }

  async #ending() {
    const { endTree, killTree, endMarked, ProcessLooks } = await import("./treeEnding.js");
    const { clock, log } = this.#options;
    this.#looks ??= new ProcessLooks();
    const options: EndTreeOptions = { clock, log, looks: this.#looks };
    return { endTree, killTree, endMarked, options };
  }

  /** Ends the reaper, and every process group that is still registered. */
  close(): Promise<void> {
    return this.reaper.close();
  }
}
