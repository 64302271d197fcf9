// What a server finds of a turn that another one has begun (protocol.md section 4, Going on after a
// loss): its messages, and the last whole reply with the calls that have not ended. A reply that was
// still streamed is shown as cancelled, and is not sent to a model again.
import { defined } from "../base/defined.js";
import { storedProgress, type TurnProgress } from "../base/turnProgress.js";
import type { BegunTurn, HistoryMessage } from "../engine/engine.js";
import type { Part } from "../protocol/objects/message.js";
import type { MessageRow } from "../storage/messageRows.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { interruptedText, repairMessages } from "./messageRepair.js";
import type { PatientWrites } from "./patientWrites.js";
import { storedHistory } from "./storedHistory.js";
import { partsText, storedParts } from "./storedParts.js";
import type { TurnRecorder } from "./turnRecorder.js";

type Options = Pick<
  CoordinatorOptions,
  "workspaceId" | "database" | "sessions" | "messages" | "goingOn" | "clock" | "ids"
>;

/** The history of a run, and its turn if another server has begun it. */
export interface TurnSoFar {
  readonly history: readonly HistoryMessage[];
  readonly begun?: BegunTurn;
}

/** What is stored of the turn of a run. What was being streamed is closed first. */
export function turnSoFar(
  run: AcceptedRun,
  {
    recorder,
    writes,
    mayStillRun,
  }: { recorder: TurnRecorder; writes: PatientWrites; mayStillRun: boolean },
  options: Options,
): TurnSoFar {
  const { sessionId } = run.request;
  if (run.takenOver?.hasBegun !== true) return { history: storedHistory(options, sessionId) };
  const { messages } = options;
  const { position } = run.ref;
  const progress = storedProgress(run.takenOver.progress);
  for (const child of messages.subTaskSessions(sessionId, position)) {
    writes.write(() => void repairMessages(options, child, position));
  }
  const rows = [...messages.ofRun(sessionId, position)].filter(({ isSummary }) => !isSummary);
  closeSummaries(run, writes, options);
  const open = openReply(rows, progress);
  const askedAgain = new Set(open === undefined ? [] : openCalls(open.assistant));
  writes.write(() => options.goingOn.keepQuestions(position, askedAgain));
  if (open === undefined) closeLast(position, rows, writes, options);
  const own = new Set(rows.map(({ id }) => id));
  const all = storedHistory(options, sessionId);
  const history = all.filter(({ id }) => !own.has(id));
  // The server was lost before the prompt had become a message.
  if (rows.length === 0) return { history };
  const opened = new Set([open?.assistant.id, open?.results?.id]);
  return {
    history,
    begun: {
      messages: all.filter(({ id }) => own.has(id) && !opened.has(id)),
      ids: own,
      mayStillRun,
      ...defined({ progress, reply: open && reopened(open, recorder) }),
    },
  };
}

interface OpenReply {
  readonly assistant: MessageRow;
  readonly results: MessageRow | undefined;
}

function reopened({ assistant, results }: OpenReply, recorder: TurnRecorder) {
  return {
    assistant: recorder.reopen(assistant),
    ...defined({ results: results && recorder.reopen(results) }),
  };
}

/** The last reply, if it is whole and its message has no end. */
function openReply(
  rows: readonly MessageRow[],
  progress: TurnProgress | undefined,
): OpenReply | undefined {
  const at = rows.findLastIndex(({ role }) => role === "assistant");
  const assistant = rows[at];
  if (assistant === undefined || assistant.id !== progress?.reply?.messageId) return undefined;
  const stored = storedParts(assistant.parts);
  if ("damage" in stored || stored.parts.at(-1)?.type === "finish") return undefined;
  return { assistant, results: rows.slice(at + 1).find(({ role }) => role === "tool") };
}

/** The calls of a reply that have not begun. */
function openCalls({ parts }: MessageRow): string[] {
  const stored = storedParts(parts);
  if ("damage" in stored) return [];
  return stored.parts.flatMap((part) =>
    part.type === "toolCall" && ["streaming", "pending"].includes(part.state)
      ? [part.toolCallId]
      : [],
  );
}

/**
 * Ends the last reply of the turn: it was still streamed, or the turn was about to end with it. If it has
 * results of calls, they stay in the history.
 */
function closeLast(
  run: number,
  rows: readonly MessageRow[],
  writes: PatientWrites,
  options: Options,
): void {
  const last = rows.findLast(({ role }) => role === "assistant");
  const stored = storedParts(last?.parts);
  if (last === undefined || "damage" in stored) return;
  const { parts } = stored;
  const end = parts.at(-1);
  const hasEnded = end?.type === "finish" && !["error", "cancelled"].includes(end.reason);
  if (hasEnded) return;
  if (parts.some(isEndedCall)) {
    // Nobody can open it again: each call gets a result, and the message its end.
    writes.write(() => void repairMessages(options, last.sessionId, run));
    return;
  }
  const open = parts.filter(({ type }) => type !== "finish").map(cancelledCall);
  const finish: Part = {
    type: "finish",
    reason: "cancelled",
    message: interruptedText,
    cutOff: true,
  };
  const { messages, clock } = options;
  const text = partsText([...open, finish]);
  writes.write(() => messages.update(last.id, text, clock.now(), true));
  const results = open.flatMap(cancelledResult);
  if (results.length > 0) addResults({ sessionId: last.sessionId, run }, results, writes, options);
}

function addResults(
  { sessionId, run }: { readonly sessionId: string; readonly run: number },
  results: readonly Part[],
  writes: PatientWrites,
  { messages, clock, ids }: Options,
): void {
  const row = { id: ids.next("msg"), sessionId, run, role: "tool", parts: partsText(results) };
  const maker = { model: undefined, provider: undefined, isSummary: false };
  writes.write(() => messages.insert({ ...row, ...maker, createdAt: clock.now() }));
}

function cancelledResult(part: Part): Part[] {
  if (part.type !== "toolCall") return [];
  const { toolCallId, name } = part;
  return [{ type: "toolResult", toolCallId, name, output: interruptedText, isError: true }];
}

function isEndedCall(part: Part): boolean {
  return part.type === "toolCall" && ["completed", "failed", "denied"].includes(part.state);
}

function cancelledCall(part: Part): Part {
  return part.type === "toolCall" ? { ...part, state: "cancelled" } : part;
}

/** A summary that was being written is not gone on with: the turn makes another one. */
function closeSummaries(
  { request, ref }: AcceptedRun,
  writes: PatientWrites,
  { messages, clock }: Options,
): void {
  for (const row of messages.ofRun(request.sessionId, ref.position)) {
    const stored = storedParts(row.parts);
    if (!row.isSummary || "damage" in stored || stored.parts.at(-1)?.type === "finish") continue;
    const finish: Part = { type: "finish", reason: "error", message: interruptedText };
    const text = partsText([...stored.parts, finish]);
    writes.write(() => messages.update(row.id, text, clock.now(), true));
  }
}
