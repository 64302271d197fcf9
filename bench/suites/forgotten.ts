// How large the file is that has a million messages, and what is left of it once they are deleted and
// forgotten. The forgetting is the server's own code, without its pauses of 10 ms between two steps.
import { statSync } from "node:fs";
import type { Clock } from "../../src/base/clock.js";
import { type Log, silentLog } from "../../src/base/log.js";
import { Database } from "../../src/storage/database.js";
import { Forgetter } from "../../src/storage/forgetter.js";
import { ForgottenSessions } from "../../src/storage/forgottenSessions.js";
import { makePlace, type ServerPlace } from "../contestants.js";
import type { BenchContext, Findings, Row, Suite } from "../measure.js";
import { fileOf, fillStore, makeUsed, storedSessionId } from "./fillStore.js";

export const forgotten: Suite = { name: "forgotten", run };

const suite = "forgotten";
const messagesEach = 1_000;
const mb = 1024 * 1024;

async function run(context: BenchContext): Promise<Findings> {
  const sessions = context.isQuick ? 20 : 1_000;
  // Nothing is sent to a provider.
  const place = makePlace(context.makeFolder(), { baseUrl: "http://127.0.0.1:9/v1" });
  const workspaceId = await makeUsed(place);
  const empty = sizeOf(place);
  fillStore(place, workspaceId, { sessions, messagesEach });
  const full = sizeOf(place);
  deleteAll(place, sessions);
  const left = sizeOf(place);
  const note = `${(sessions * messagesEach).toLocaleString("en")} messages in ${sessions.toLocaleString("en")} sessions`;
  const rows: Row[] = [
    {
      suite,
      what: "the file (floor: before it had any)",
      note,
      unit: "MB",
      floor: empty / mb,
      ours: full / mb,
      rule: { kind: "told" },
    },
    {
      suite,
      what: "the file after they were deleted and forgotten (floor: with them)",
      note,
      unit: "MB",
      floor: full / mb,
      ours: left / mb,
      rule: { kind: "ratioAtMost", limit: 0.05 },
    },
    {
      suite,
      what: "bytes of the file for a message of 224 characters",
      unit: "B",
      ours: (full - empty) / (sessions * messagesEach),
      rule: { kind: "told" },
    },
  ];
  return { rows };
}

/** A step that fails is tried again later, without end; here it ends the measurement. */
const log: Log = {
  ...silentLog,
  warn: (fields, message) => {
    throw new Error(`${message}: ${JSON.stringify(fields)}`);
  },
};

/** Deletes every stored session and takes the steps that forget them, until there is none left. */
function deleteAll(place: ServerPlace, sessions: number): void {
  const database = Database.open(fileOf(place));
  const stored = new ForgottenSessions(database);
  const steps = new Steps();
  const forgetter = new Forgetter({ database, forgotten: stored, clock: steps, log });
  for (let index = 0; index < sessions; index++) {
    database.write(() => stored.deleteSession(storedSessionId(index)));
  }
  forgetter.wake();
  steps.takeAll();
  forgetter.close();
  const rest = stored.next;
  database.close();
  if (rest !== undefined) throw new Error(`${rest} is not forgotten`);
}

/** A clock of one timer that does not wait. */
class Steps implements Clock {
  #next: (() => void) | undefined;
  now = Date.now;
  soon = setImmediate;

  after(_ms: number, run: () => void) {
    this.#next = run;
    const cancel = () => {
      if (this.#next === run) this.#next = undefined;
    };
    return { cancel };
  }

  takeAll(): void {
    for (let run = this.#next; run !== undefined; run = this.#next) {
      this.#next = undefined;
      run();
    }
  }
}

/** The file and what is not yet moved into it, in bytes. */
function sizeOf(place: ServerPlace): number {
  const sizes = [fileOf(place), `${fileOf(place)}-wal`].map(
    (file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0,
  );
  return sizes.reduce((all, size) => all + size, 0);
}
