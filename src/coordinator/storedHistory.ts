// The history that a turn begins with, as it is stored.
import type { HistoryMessage } from "../engine/engine.js";
import type { HistoryRow } from "../storage/historyRows.js";
import { historyOf } from "../storage/messageHistory.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { toHistoryMessage } from "./wireObjects.js";

type HistoryOptions = Pick<
  CoordinatorOptions,
  "workspaceId" | "sessions" | "messages" | "database"
>;

/** The message of a row, which stays with the row: the store keeps rows from turn to turn. */
class ReadMessage {
  readonly message: HistoryMessage;
  readonly hasAttachments: boolean;

  constructor(message: HistoryMessage) {
    this.message = message;
    this.hasAttachments = message.parts.some((part) => part.type === "attachment");
  }
}

/** The messages of a session that a model gets: from the summary on, if there is one. */
export function storedHistory(
  options: HistoryOptions,
  sessionId: string,
  stored = historyOf(options.database),
): HistoryMessage[] {
  const { sessions, workspaceId } = options;
  const summaryId = sessions.text(workspaceId, sessionId, "summaryMessageId");
  const read = (from: string | undefined) => readable(options.messages, stored.of(sessionId, from));
  const history = read(summaryId);
  const isSummaryThere = summaryId === undefined || history[0]?.id === summaryId;
  return isSummaryThere ? history : read(undefined);
}

/** Whether a reply was streamed when its server was lost: the model has been asked again since. */
function isCutOff({ parts }: HistoryMessage): boolean {
  const last = parts.at(-1);
  return last?.type === "finish" && last.cutOff === true;
}

/** Damaged messages are left out, and the turn goes on without them. */
function readable(
  messages: HistoryOptions["messages"],
  rows: readonly HistoryRow[],
): HistoryMessage[] {
  const history: HistoryMessage[] = [];
  for (const row of rows) {
    const found = row.made instanceof ReadMessage ? row.made : readRow(row, messages);
    if (found === undefined) continue;
    const { message, hasAttachments } = found;
    history.push(
      hasAttachments ? { ...message, attachmentData: messages.attachments(row.id) } : message,
    );
  }
  return history;
}

function readRow(row: HistoryRow, messages: HistoryOptions["messages"]): ReadMessage | undefined {
  const message = toHistoryMessage(row, messages);
  if (message === undefined || isCutOff(message)) return undefined;
  const found = new ReadMessage(message);
  row.made = found;
  return found;
}
