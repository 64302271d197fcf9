/** `turnwire sessions`: lists, shows, exports, deletes and searches sessions (docs/cli.md). */
import { messageOf } from "../base/errors.js";
import type { ResolvePath } from "../base/startFolder.js";
import type { TurnwireClient } from "../client/TurnwireClient.js";
import type { Message } from "../protocol/objects/message.js";
import type { Session } from "../protocol/objects/session.js";
import { type OwnServer, withOwnServer } from "./ownServer.js";
import { exitCodes } from "./runOptions.js";
import { eachSession, openFolder, type StoredSession, storedSession } from "./sessionLookup.js";
import type { SessionsCommandOptions } from "./sessionsCommandOptions.js";
import type { Terminal } from "./terminal.js";
import { TerminalPrompt } from "./terminalPrompt.js";
import { transcriptHead, transcriptOf } from "./transcript.js";
import { visibleLine, withoutOrders } from "./visibleText.js";
import { writeFileWhole } from "./writeFileWhole.js";

/** What the command works with. */
export interface SessionsCommandIo extends OwnServer {
  readonly resolvePath: ResolvePath;
  /** Writes to stdout. Resolves when stdout has taken the text. */
  writeOut(text: string): Promise<void>;
  writeError(line: string): void;
  /** The terminal for a question; undefined if there is none. */
  openTerminal(): Terminal | undefined;
}

type Asked<A extends SessionsCommandOptions["action"]> = Extract<
  SessionsCommandOptions,
  { action: A }
>;

/** How many sessions or results are shown by default. */
const usualLimit = 20;

/**
 * Runs the command with a server of its own. Resolves with the exit code: 0 for success, 1 if the server
 * refuses something or a file cannot be written, 2 if there is nobody to confirm a deletion. Never
 * rejects.
 */
export async function sessionsCommand(
  options: SessionsCommandOptions,
  io: SessionsCommandIo,
): Promise<number> {
  const { dataDir } = options;
  const folder = dataDir === undefined ? undefined : io.resolvePath(dataDir);
  try {
    return await withOwnServer(io, folder, (client) => act(options, client, io));
  } catch (error) {
    io.writeError(`turnwire sessions: ${visibleLine(messageOf(error))}`);
    return exitCodes.failed;
  }
}

async function act(
  options: SessionsCommandOptions,
  client: TurnwireClient,
  io: SessionsCommandIo,
): Promise<number> {
  switch (options.action) {
    case "list":
      return list(options, client, io);
    case "search":
      return search(options, client, io);
    case "show":
      return show(options, client, io);
    case "export":
      return exportSession(options, client, io);
    case "delete":
      return deleteSessions(options, client, io);
  }
}

async function list(
  { all, cwd, limit = usualLimit, json }: Asked<"list">,
  client: TurnwireClient,
  io: SessionsCommandIo,
): Promise<number> {
  const workspaceId = all ? undefined : await openFolder(client, io.resolvePath(cwd ?? "."));
  const sessions: Session[] = [];
  for await (const session of eachSession(client, workspaceId)) {
    if (session.parentSessionId === undefined && sessions.push(session) === limit) break;
  }
  if (json) await io.writeOut(`${JSON.stringify({ sessions })}\n`);
  else await io.writeOut(sessions.map((session) => `${sessionLine(session)}\n`).join(""));
  if (sessions.length === 0 && !json) {
    io.writeError(all ? "There is no session." : "This folder has no session; see --all.");
  }
  return exitCodes.succeeded;
}

async function search(
  { query, all, cwd, limit = usualLimit, json }: Asked<"search">,
  client: TurnwireClient,
  io: SessionsCommandIo,
): Promise<number> {
  const inFolder = all ? {} : { workspaceId: await openFolder(client, io.resolvePath(cwd ?? ".")) };
  const results: Awaited<ReturnType<typeof client.api.searchSessions>>["results"] = [];
  let after: { cursor?: string } = {};
  for (;;) {
    const most = Math.min(100, limit - results.length);
    const page = await client.api.searchSessions({ ...inFolder, query, limit: most, ...after });
    results.push(...page.results);
    if (page.nextCursor === undefined || results.length >= limit) break;
    after = { cursor: page.nextCursor };
  }
  if (json) await io.writeOut(`${JSON.stringify({ results })}\n`);
  else {
    const lines = results.map(
      ({ session, snippet }) => `${sessionLine(session)}\n    ${visibleLine(snippet)}\n`,
    );
    await io.writeOut(lines.join(""));
    if (results.length === 0) io.writeError("Nothing was found.");
  }
  return exitCodes.succeeded;
}

/** One session as a line: its id, when it was last used, its messages and cost, and its title. */
function sessionLine({ id, updatedAt, messageCount, cost, title, workspacePath }: Session): string {
  const when = updatedAt.slice(0, 16).replace("T", " ");
  const place = workspacePath === undefined ? "" : `  ${visibleLine(workspacePath)}`;
  const facts = `${String(messageCount).padStart(4)} messages  $${cost.toFixed(4)}`;
  return `${visibleLine(id)}  ${when}  ${facts}${place}  ${visibleLine(title) || "(no title)"}`;
}

async function show(
  { session: id, json }: Asked<"show">,
  client: TurnwireClient,
  io: SessionsCommandIo,
): Promise<number> {
  const stored = await storedSession(client, id);
  if (json) return writeJson(stored, io.writeOut);
  await io.writeOut(withoutOrders(transcriptHead(stored.session)));
  for await (const message of stored.messages()) {
    await io.writeOut(withoutOrders(transcriptOf(message)));
  }
  return exitCodes.succeeded;
}

async function exportSession(
  { session: id, format, outputFile }: Asked<"export">,
  client: TurnwireClient,
  io: SessionsCommandIo,
): Promise<number> {
  const stored = await storedSession(client, id);
  const pieces: string[] = [];
  const write =
    outputFile === undefined
      ? io.writeOut
      : async (text: string) => {
          pieces.push(text);
        };
  if (format === "json") await writeJson(stored, write);
  else {
    await write(transcriptHead(stored.session));
    for await (const message of stored.messages()) await write(transcriptOf(message));
  }
  if (outputFile !== undefined) await writeFileWhole(io.resolvePath(outputFile), pieces.join(""));
  return exitCodes.succeeded;
}

async function writeJson(
  { session, messages }: StoredSession,
  write: (text: string) => Promise<void>,
): Promise<number> {
  const all: Message[] = [];
  for await (const message of messages()) all.push(message);
  await write(`${JSON.stringify({ session, messages: all })}\n`);
  return exitCodes.succeeded;
}

async function deleteSessions(
  { sessions: ids, yes }: Asked<"delete">,
  client: TurnwireClient,
  io: SessionsCommandIo,
): Promise<number> {
  // All of them are looked for before any of them is gone.
  const stored: StoredSession[] = [];
  for (const id of new Set(ids)) stored.push(await storedSession(client, id));
  if (!yes) {
    const terminal = io.openTerminal();
    if (terminal === undefined) {
      io.writeError("turnwire sessions: there is no terminal to ask on; see --yes");
      return exitCodes.usage;
    }
    try {
      if (!(await isConfirmed(stored, terminal))) return exitCodes.failed;
    } finally {
      terminal.close();
    }
  }
  for (const { session, workspaceId } of stored) {
    await client.api.deleteSession({ workspaceId, sessionId: session.id });
    io.writeError(`deleted ${visibleLine(session.id)}`);
  }
  return exitCodes.succeeded;
}

function isConfirmed(stored: readonly StoredSession[], terminal: Terminal): Promise<boolean> {
  const { input, output, discardTyped } = terminal;
  const prompt = new TerminalPrompt(input, output, discardTyped);
  return prompt.converse(new AbortController().signal, false, async ({ read, show: put }) => {
    if (!(await put(stored.map(({ session }) => sessionLine(session))))) return false;
    for (;;) {
      const line = await read("Delete for good? [y]es, [n]o: ");
      const said = line?.trim().toLowerCase() ?? "no";
      if (["y", "yes"].includes(said)) return true;
      if (["n", "no"].includes(said)) return false;
    }
  });
}
