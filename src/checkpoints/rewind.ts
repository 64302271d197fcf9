// One rewind (protocol.md section 4, Taking back). It is planned without writing, then stored as a whole,
// and then done step by step. If its server dies, the server that finds it takes the remaining steps.
import { faultPoint } from "../base/faultPoint.js";
import type { ChangedFileRow, HeldFile, NewChange } from "../storage/changedFiles.js";
import type { CheckpointRow } from "../storage/checkpointRow.js";
import type { HistoryPlan } from "../storage/openRewinds.js";
import { joinRanges } from "../storage/rewoundMessages.js";
import { changedLines, textOf } from "./changedLines.js";
import type { CheckpointParts } from "./checkpointParts.js";
import { conflict, failed, lostContent, twoTexts } from "./conflicts.js";
import { type AskersEditor, EditorView } from "./editorView.js";
import { FreedPaths, removedFirst } from "./freedPaths.js";
import { holds, type PresentFile } from "./presentFile.js";
import { removeEmptyFolders, removeFile, replaceFile } from "./replaceFile.js";
import {
  type Conflict,
  hasTwoTexts,
  judge,
  type PathHistory,
  pathHistories,
  type RewoundAs,
} from "./rewindPlan.js";
import { busy, refuseRewind } from "./rewindRefusal.js";

/** What the client asks for. */
export interface RewindRequest {
  readonly workspaceId: string;
  readonly checkpoint: CheckpointRow;
  readonly files: boolean;
  readonly history: boolean;
  readonly force: boolean;
  readonly dryRun: boolean;
  /** The editor of the client that asks: what it has open is read and written through it. */
  readonly editor?: AskersEditor | undefined;
  /** Whether the session's open run itself asks, so that it is no reason to refuse. */
  readonly isOwnRun?: boolean;
}

/** What was done, or would be done. */
export interface RewindResult {
  /** By absolute path. */
  readonly files: readonly { readonly path: string; readonly change: RewoundAs }[];
  readonly conflicts: readonly Conflict[];
  readonly messagesRemoved: number;
  readonly messagesRestored: number;
  /** Whether commands ran in the runs that were taken back. Their changes to files stay. */
  readonly commandsRan: boolean;
  /** The checkpoint that takes the rewind back. Undefined if nothing was done. */
  readonly checkpointId?: string;
}

/** A file that will be changed. */
interface PlannedChange {
  readonly change: RewoundAs;
  readonly stored: NewChange;
}

interface FilesPlan {
  readonly changes: readonly PlannedChange[];
  readonly conflicts: readonly Conflict[];
}

/** How many files are worked on at once. */
const atOnce = 4;

/** Plans, begins and finishes rewinds. */
export class Rewinder {
  readonly #parts: CheckpointParts;

  constructor(parts: CheckpointParts) {
    this.#parts = parts;
  }

  /**
   * Rewinds a session.
   *
   * @throws DomainError `SessionBusy` if a run, a rewind or a fork of the session is open, or, with `force`, any
   *   run of the workspace. `CheckpointNotFound` if the checkpoint was given up in the meantime.
   *   `StorageFailed` if the rewind could not be stored. Then nothing was done.
   */
  async rewind(request: RewindRequest): Promise<RewindResult> {
    const { store, ids, clock } = this.#parts;
    const { checkpoint, dryRun } = request;
    refuseRewind(this.#parts, request);
    const newest = store.newest(checkpoint.sessionId);
    const view = new EditorView(request.editor);
    const plan = await this.#planFiles(request, view);
    const history = request.history ? this.#planHistory(checkpoint) : undefined;
    const counts = this.#countMessages(checkpoint, history);
    const commandsRan = request.files && store.ranCommandsSince(checkpoint);
    const files = plan.changes.map(({ change, stored }) => ({ path: stored.path, change }));
    const result = { files, conflicts: plan.conflicts, ...counts, commandsRan };
    const isNothing = files.length === 0 && counts.messagesRemoved + counts.messagesRestored === 0;
    if (dryRun || isNothing) {
      // While it was planned, the checkpoint may have been given up: then this is not what would be done.
      refuseRewind(this.#parts, request);
      return result;
    }
    const id = ids.next("chk");
    const { sessionId } = checkpoint;
    const position = this.#parts.database.durable(() => {
      refuseRewind(this.#parts, request);
      if (store.newest(sessionId) !== newest) throw busy();
      const at = store.begin({ id, sessionId, createdAt: clock.now() });
      for (const { stored } of plan.changes) store.files.add(at, stored);
      this.#parts.working.add(at);
      store.rewinds.begin(at, this.#parts.serverId, history && this.#planHistory(checkpoint));
      return at;
    });
    faultPoint("rewindPlanned");
    const late = await this.finish(position, view).finally(() =>
      this.#parts.working.delete(position),
    );
    const isLate = new Set(late.map(({ path }) => path));
    return {
      ...result,
      files: files.filter(({ path }) => !isLate.has(path)),
      conflicts: [...plan.conflicts, ...late].sort((a, b) => (a.path < b.path ? -1 : 1)),
      checkpointId: id,
    };
  }

  #planHistory({ sessionId, lastMessage, rewound, standing }: CheckpointRow): HistoryPlan {
    const last = this.#parts.store.messages.last(sessionId);
    return { rewound: joinRanges([...rewound, [lastMessage, last]]), standing };
  }

  #countMessages({ sessionId }: CheckpointRow, history: HistoryPlan | undefined) {
    if (history === undefined) return { messagesRemoved: 0, messagesRestored: 0 };
    const { removed, restored } = this.#parts.store.messages.count(sessionId, history.rewound);
    return { messagesRemoved: removed, messagesRestored: restored };
  }

  async #planFiles(request: RewindRequest, view: EditorView): Promise<FilesPlan> {
    const { store } = this.#parts;
    const { checkpoint, files } = request;
    const changes: PlannedChange[] = [];
    const conflicts: Conflict[] = [];
    if (!files) return { changes, conflicts };
    const histories = pathHistories(store.files.since(checkpoint));
    const freed = new FreedPaths();
    for (const history of removedFirst(histories, ({ target }) => target)) {
      const planned = await this.#planFile(history, request, { freed, view }).catch(
        (error: unknown) => failed(history.path, error),
      );
      if (planned === undefined) continue;
      if ("reason" in planned) conflicts.push(planned);
      else changes.push(planned);
      if ("stored" in planned) freed.add(planned.stored);
    }
    const pathOf = ({ stored }: PlannedChange) => stored.path;
    changes.sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1));
    conflicts.sort((a, b) => (a.path < b.path ? -1 : 1));
    return { changes, conflicts };
  }

  async #planFile(
    history: PathHistory,
    { checkpoint: { sessionId }, force, dryRun }: RewindRequest,
    { freed, view }: { readonly freed: FreedPaths; readonly view: EditorView },
  ): Promise<PlannedChange | Conflict | undefined> {
    const { store, content } = this.#parts;
    const { path, target, firstChange } = history;
    const present = freed.freed(path, await view.lookAt(path));
    const madeFolder = history.madeFolder ?? freed.above(path);
    const otherSession = store.files.changedByOther(path, sessionId, firstChange);
    const verdict = judge(history, present, { force, otherSession });
    if (verdict.kind === "nothing") return undefined;
    if (verdict.kind === "conflict") return conflict(path, verdict.reason, verdict.message);
    if (hasTwoTexts(present, history)) return twoTexts(path);
    const data = target && (await content.get(sessionId, target.hash));
    if (target !== undefined && data === undefined) return lostContent(path);
    const held = present.kind === "file" ? present : undefined;
    // The present content is kept first, so that the rewind can be taken back.
    if (!dryRun && held !== undefined) await content.put(sessionId, held.data);
    const before = held && { hash: held.hash, mode: held.mode };
    const lines = changedLines(held?.data, data);
    return {
      change: verdict.change,
      stored: { path, before, after: target, madeFolder, ...lines },
    };
  }

  /**
   * Takes the remaining steps of a rewind, and closes it. Returns the files that have changed in the
   * meantime; they stay as they are.
   */
  async finish(position: number, view = new EditorView()): Promise<Conflict[]> {
    const { store, database, clock } = this.#parts;
    const open = store.rewinds.all().find(({ checkpoint }) => checkpoint.position === position);
    if (open === undefined) return [];
    const { sessionId } = open.checkpoint;
    const conflicts = await this.#applyAll(position, sessionId, view);
    const { history } = open;
    if (history !== undefined) {
      while (store.messages.move(sessionId, history.rewound)) {
        faultPoint("rewindMoved");
        await new Promise<void>((resolve) => clock.soon(resolve));
      }
    }
    database.durable(() => {
      if (history !== undefined) {
        const { rewound, standing } = history;
        store.messages.settle(sessionId, rewound, standing, clock.now());
      }
      store.rewinds.end(position);
      faultPoint("rewinding");
    });
    faultPoint("rewound");
    return conflicts;
  }

  async #applyAll(position: number, sessionId: string, view: EditorView): Promise<Conflict[]> {
    const { store } = this.#parts;
    const changes = store.files.of(position);
    const conflicts: Conflict[] = [];
    // What is removed may be in the place of what comes back.
    for (const isRemoval of [true, false]) {
      const left = changes.filter(({ after }) => (after === undefined) === isRemoval);
      await this.#applySome(left, { position, sessionId, conflicts, view });
    }
    return conflicts;
  }

  async #applySome(
    left: ChangedFileRow[],
    at: {
      readonly position: number;
      readonly sessionId: string;
      readonly conflicts: Conflict[];
      readonly view: EditorView;
    },
  ): Promise<void> {
    const { store } = this.#parts;
    const { position, sessionId, conflicts, view } = at;
    const work = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const change = next;
        const found = await this.#apply(change, sessionId, view).catch((error: unknown) =>
          failed(change.path, error),
        );
        faultPoint("rewindWritten");
        if (found === undefined) continue;
        conflicts.push(found);
        store.files.remove(position, change.path);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  }

  /** Makes one change, unless it has already been made. */
  async #apply(
    change: NewChange,
    sessionId: string,
    view: EditorView,
  ): Promise<Conflict | undefined> {
    const { path, before, after, madeFolder } = change;
    const present = await view.lookAt(path);
    if (holds(present, after)) {
      // The server that made the change may have died before it removed the folders.
      if (after === undefined && madeFolder !== undefined) removeEmptyFolders(path, madeFolder);
      return undefined;
    }
    if (!holds(present, before)) {
      return conflict(path, "changed", "Somebody changed it while it was rewound.");
    }
    // Until the rewind was noted, somebody may have deleted it (see `KeptBound`).
    if (present.kind === "file") {
      await this.#parts.content.write(sessionId, present.hash, present.data);
    }
    const isDone = await this.#replace({ path, present, after, view }, sessionId);
    if (isDone === undefined) return lostContent(path);
    if (!isDone) return conflict(path, "changed", "Somebody changed it while it was rewound.");
    faultPoint("rewindReplaced");
    if (after === undefined && madeFolder !== undefined) removeEmptyFolders(path, madeFolder);
    return undefined;
  }

  async #replace(
    { path, present, after, view }: Replacing,
    sessionId: string,
  ): Promise<boolean | undefined> {
    const { content, ids } = this.#parts;
    if (after === undefined) return present.kind === "file" && removeFile(path, present);
    if (present.kind !== "missing" && present.kind !== "file") return false;
    const data = await content.get(sessionId, after.hash);
    if (data === undefined) return undefined;
    const text = present.kind === "file" && present.inEditor ? textOf(data) : undefined;
    if (present.kind === "file" && text !== undefined) return view.replace(present, text);
    return replaceFile({ path, seen: present, data, mode: after.mode }, ids);
  }
}

/** One file that is to hold something else. */
interface Replacing {
  readonly path: string;
  readonly present: PresentFile;
  readonly after: HeldFile | undefined;
  readonly view: EditorView;
}
