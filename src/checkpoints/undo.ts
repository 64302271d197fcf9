// The command `/undo` (protocol.md section 4, Taking back): the last runs of a session, taken back by one
// rewind, and what became of it in words.
import { defined } from "../base/defined.js";
import type { EditorFiles } from "../base/editorFiles.js";
import { shownWithin } from "../base/insideFolder.js";
import type { CheckpointStore } from "../storage/checkpointStore.js";
import { shownName } from "../tools/files/shownName.js";
import type { RewindRequest, RewindResult } from "./rewind.js";

/** So many runs are taken back at most at once. */
const mostRuns = 100;
/** So many files are named; of more, the number is told. */
const mostNamed = 20;

/** A run that takes back the runs before it. */
export interface UndoRequest {
  readonly workspaceId: string;
  readonly workspacePath: string;
  readonly sessionId: string;
  /** What was typed behind the command: nothing, or how many runs. */
  readonly argument: string;
  readonly signal: AbortSignal;
  /** The files of the client's editor, if it has one. */
  readonly files?: EditorFiles | undefined;
}

/**
 * Takes back the last runs of a session that still stand in its history, by `rewind`; returns what was
 * done, or why nothing was, for a person.
 *
 * @throws DomainError as `Rewinder.rewind`.
 */
export async function undo(
  { workspaceId, workspacePath, sessionId, argument, signal, files }: UndoRequest,
  store: Pick<CheckpointStore, "standingRuns">,
  rewind: (request: RewindRequest) => Promise<RewindResult>,
): Promise<string> {
  const asked = argument === "" ? 1 : /^\d{1,3}$/.test(argument) ? Number(argument) : 0;
  if (asked < 1 || asked > mostRuns) {
    return `/undo takes how many runs are to be taken back, from 1 to ${mostRuns}, or nothing for the last one. Nothing was taken back.`;
  }
  const runs = store.standingRuns(sessionId, asked);
  const checkpoint = runs.at(-1);
  if (checkpoint === undefined) return "There is no run in this session that could be taken back.";
  const result = await rewind({
    workspaceId,
    checkpoint,
    files: true,
    history: true,
    force: false,
    dryRun: false,
    isOwnRun: true,
    ...defined({ editor: files && { files, signal, workspacePath } }),
  });
  return told(result, runs.length, asked, workspacePath);
}

function told(result: RewindResult, runs: number, asked: number, workspacePath: string): string {
  const { files, conflicts, messagesRemoved, commandsRan } = result;
  const nameOf = (path: string) => shownName(shownWithin(workspacePath, path));
  const fewer = runs < asked ? ` There were no more than that to take back, of ${asked}.` : "";
  const lines = [
    `Took back ${counted(runs, "run")} (${counted(messagesRemoved, "message")}).${fewer}`,
  ];
  if (files.length === 0) lines.push("No file was changed.");
  else lines.push(...listed(files.map(({ path, change }) => `${change} ${nameOf(path)}`)));
  if (conflicts.length > 0) {
    lines.push(`Left as they are, ${counted(conflicts.length, "file")}:`);
    lines.push(...listed(conflicts.map(({ path, message }) => `${nameOf(path)}: ${message}`)));
  }
  if (commandsRan) {
    lines.push("Commands ran too; what they did to files is not taken back.");
  }
  return lines.join("\n");
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function listed(entries: readonly string[]): string[] {
  const shown = entries.slice(0, mostNamed).map((entry) => `- ${entry}`);
  const more = entries.length - shown.length;
  return more > 0 ? [...shown, `- and ${more} more`] : shown;
}
