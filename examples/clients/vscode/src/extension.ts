/** The chat participant `@turnwire`, which runs a coding agent in the folder of this window. */
import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import { Agent } from "./agent.js";
import { diagnostics } from "./diagnostics.js";
import { MissedReplies } from "./missedReplies.js";
import { Questions } from "./questions.js";
import { Reply } from "./reply.js";

let agent: Agent | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const missed = new MissedReplies(context.workspaceState);
  const questions = new Questions();
  const started = new Agent(context, {
    onPermission: (question, { signal }) => questions.ask(question, signal),
    onMissed: (completion) => missed.take(completion),
    tools: [diagnostics],
  });
  agent = started;
  context.subscriptions.push(
    questions,
    vscode.commands.registerCommand("turnwire.showMissed", () => missed.show()),
    vscode.chat.createChatParticipant("turnwire.agent", (...asked) => answer(started, ...asked)),
  );
  await started.resume();
}

/** Called when the window closes or reloads. A run that is under way goes on without the window. */
export async function deactivate(): Promise<void> {
  await agent?.leave();
}

async function answer(
  agent: Agent,
  request: vscode.ChatRequest,
  chat: vscode.ChatContext,
  stream: vscode.ChatResponseStream,
  token: vscode.CancellationToken,
): Promise<vscode.ChatResult> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) return { errorDetails: { message: "Open a folder first." } };
  try {
    const place = await agent.open(folder.uri.fsPath, sessionOf(chat) ?? randomUUID());
    const { run } = await agent.begin(place, request.prompt);
    const listener = token.onCancellationRequested(() => run.cancel());
    if (token.isCancellationRequested) run.cancel();
    const reply = new Reply(stream, (messageId) => agent.message(place, messageId));
    for await (const event of run.events) await reply.show(event);
    const completion = await agent.end(run);
    listener.dispose();
    return { ...reply.finish(completion), metadata: { sessionId: place.sessionId } };
  } catch (error) {
    return { errorDetails: { message: error instanceof Error ? error.message : String(error) } };
  }
}

/** The session of this chat: the earlier answers in it name it. */
function sessionOf({ history }: vscode.ChatContext): string | undefined {
  const ids = history.flatMap((turn) =>
    "result" in turn ? [turn.result.metadata?.sessionId] : [],
  );
  return ids.findLast((id) => typeof id === "string");
}
