import { messageOf } from "../base/errors.js";
import { cleanedEntry } from "./cleanedEntry.js";
import type { Entry } from "./entries.js";
import { EntryLog } from "./entryLog.js";
import { LedgerReader } from "./ledgerReader.js";
import { LiveServers } from "./liveServers.js";
import { openPage } from "./openPage.js";
import { RecordingSink } from "./recordingSink.js";
import { Redaction } from "./redaction.js";
import type { CompletionAction, ThreadSettings } from "./threadMessages.js";
import { tell } from "./threadPort.js";

/** How often new servers are looked for, in milliseconds. */
const betweenServersMs = 1000;
/** How often the ledger, processes and sizes are looked at while a page is open, in milliseconds. */
const betweenLooksMs = 2000;

/**
 * Shows the servers of a data directory that can be looked into, those that come later too.
 *
 * @throws Error where the port is taken, or the folder of their sockets is not the user's own.
 */
export async function showLive(
  { folder, database }: NonNullable<ThreadSettings["live"]>,
  settings: ThreadSettings,
): Promise<void> {
  const { hidesContents: hidden, secrets } = settings;
  const log = new EntryLog();
  const recording = new RecordingSink(settings);
  const redaction = new Redaction(secrets);
  const onEntry = (entry: Entry) => {
    const clean = cleanedEntry(entry, redaction, hidden);
    recording.write(clean);
    log.add(clean);
  };
  const servers = new LiveServers({ folder, log, onEntry, now: () => Date.now() });
  servers.look();
  const reader = new LedgerReader(database);
  const greeting = { mode: "live", subject: database, hidden, canAct: true } as const;
  await openPage(settings, log, greeting, async (asked) => {
    const { what, completionId } = asked as Pick<CompletionAction, "what" | "completionId">;
    const row = (await reader.rows()).find((one) => one.completionId === completionId);
    if (row === undefined) throw new Error("There is no such completion any more.");
    await servers.act({ what, completionId, clientId: row.clientId, sequence: row.sequence });
    return { done: true };
  });
  if (servers.count === 0) {
    tell({ kind: "trouble", text: "no server can be looked into yet; start one with --inspect" });
  }
  setInterval(() => servers.look(), betweenServersMs);
  const look = async () => {
    if (log.isRead) await tellLedger(log, reader, servers);
    setTimeout(() => void look(), betweenLooksMs);
  };
  await look();
}

async function tellLedger(
  log: EntryLog,
  reader: LedgerReader,
  servers: LiveServers,
): Promise<void> {
  servers.tellProcesses();
  const pipe = "data directory";
  log.setState("sizes", { kind: "state", pipe, health: reader.sizes() });
  try {
    log.setState("ledger", { kind: "state", pipe, ledger: await reader.rows() });
  } catch (error) {
    const health = [...reader.sizes(), { name: "Ledger", value: messageOf(error) }];
    log.setState("sizes", { kind: "state", pipe, health });
    reader.close();
  }
}
