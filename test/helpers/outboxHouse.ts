// The real outbox on a real file, without the runs' turns: what is appended is appended at once.
import { join } from "node:path";
import { Outbox } from "../../src/events/outbox.js";
import type { RunComplete } from "../../src/protocol/objects/run.js";
import { CompletionStore } from "../../src/storage/completionStore.js";
import { Database } from "../../src/storage/database.js";
import { GroupCommit } from "../../src/storage/groupCommit.js";
import { NoteStore } from "../../src/storage/noteStore.js";
import { RunStore } from "../../src/storage/runStore.js";
import { temporaryFolder, workspaceId } from "./coordinatorHouse.js";
import { CountingIds, VirtualScheduler } from "./virtualScheduler.js";

export { temporaryFolder };

export class OutboxHouse {
  readonly clock: VirtualScheduler;
  readonly ids: CountingIds;
  readonly database: Database;
  readonly runs: RunStore;
  readonly completions: CompletionStore;
  readonly notes: NoteStore;
  readonly commits: GroupCommit;
  readonly outbox: Outbox;
  readonly serverId: string;

  /** With `sharesCommits` it is as if many sessions were busy. */
  constructor(
    directory: string,
    from?: { clock: VirtualScheduler; ids: CountingIds },
    sharesCommits = false,
  ) {
    this.clock = from?.clock ?? new VirtualScheduler();
    this.ids = from?.ids ?? new CountingIds();
    this.database = Database.open(join(directory, "turnwire.db"));
    this.runs = new RunStore(this.database);
    this.notes = new NoteStore(this.database);
    this.completions = new CompletionStore(this.database);
    this.serverId = this.ids.next("srv");
    this.commits = new GroupCommit(this.database, this.clock, sharesCommits ? 0 : undefined);
    this.outbox = new Outbox(this.database, this, this.serverId, this.ids, this.commits);
  }

  /** A run is accepted and has ended; returns its completion's id. */
  append(runId: string, clientId = "client", sessionId = "s", text = runId): string {
    return this.database.write(() => {
      const position = this.runs.insert({
        workspaceId,
        sessionId,
        runId,
        clientId,
        serverId: this.serverId,
        kind: "prompt",
        promptHash: "",
        options: undefined,
        state: "completed",
        acceptedAt: this.clock.now(),
      });
      const row = this.runs.at(position);
      if (row === undefined) throw new Error("the run is gone");
      const completedAt = new Date(this.clock.now()).toISOString();
      const content = { text, status: "succeeded", cancelled: false } as const;
      this.outbox.append(row, { ...content, foldedPrompts: 0, completedAt });
      return this.of(runId)?.completionId ?? "";
    });
  }

  /** The completion of a run, if it is still kept. */
  of(runId: string): RunComplete | undefined {
    const row = this.runs.find(workspaceId, runId);
    return row === undefined ? undefined : this.outbox.ofRun(row.position);
  }

  acknowledge(runId: string, clientId = "client") {
    const id = this.of(runId)?.completionId ?? "gone";
    return this.outbox.acknowledge(clientId, [id], this.clock.now());
  }

  breakDisk(isBroken = true): void {
    this.database.prepare(`PRAGMA query_only = ${isBroken ? 1 : 0}`).run();
  }

  close(): void {
    this.database.close();
  }
}
