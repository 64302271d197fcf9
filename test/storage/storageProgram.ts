// Another server's process, as far as the data directory knows: `register`s a server and stays,
// `lock`s the database in a transaction and stays, `make`s the file its own for a moment, or
// just `open`s it. Says what it did in a line.
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.js";
import { randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import { Recovery } from "../../src/coordinator/recovery.js";
import { Outbox } from "../../src/events/outbox.js";
import { lifeOf, processNamespace } from "../../src/process/processLife.js";
import { CompletionStore } from "../../src/storage/completionStore.js";
import { Database } from "../../src/storage/database.js";
import { GoingOnStore } from "../../src/storage/goingOnStore.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import { QueueStore } from "../../src/storage/queueStore.js";
import { RunStore } from "../../src/storage/runStore.js";
import { ServerRegistry } from "../../src/storage/serverRegistry.js";
import { SessionStore } from "../../src/storage/sessionStore.js";
import { openStored } from "../helpers/storedFile.js";

const [what = "", directory = "", ...more] = process.argv.slice(2);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Stays, with its lock: a handle that nothing refers to is collected, and its lock goes with it. */
function stay(holder: object): void {
  const held = [holder];
  process.stdin.resume();
  process.stdin.once("end", () => process.exit(held.length - 1));
}

const own = { version: "1", processId: process.pid, place: processNamespace(), lifeOf };

function register(database: Database): ServerRegistry {
  return ServerRegistry.register(database, directory, {
    id: randomIds.next("srv"),
    now: Date.now(),
    own,
  });
}

const file = join(directory, "turnwire.db");
if (what === "make") {
  const sqlite = openStored(file);
  sqlite.exec("BEGIN IMMEDIATE");
  say("making");
  setTimeout(() => sqlite.close(), 300);
} else {
  use(Database.open(file));
}

function use(database: Database): void {
  switch (what) {
    case "open":
      say("opened");
      break;
    case "lock":
      database.prepare("BEGIN IMMEDIATE").run();
      stay(database);
      say("locked");
      break;
    case "register": {
      const registry = register(database);
      const runs = new RunStore(database);
      for (const runId of more) {
        runs.insert({
          workspaceId: "ws",
          sessionId: "s",
          runId,
          clientId: "c",
          serverId: registry.id,
          kind: "prompt",
          promptHash: "",
          options: undefined,
          state: "accepted",
          acceptedAt: 0,
        });
      }
      stay(registry);
      say(registry.id);
      break;
    }
    case "recover": {
      const registry = register(database);
      const runs = new RunStore(database);
      const completions = new CompletionStore(database);
      const outbox = new Outbox(database, { completions, runs }, registry.id, randomIds);
      let ended = 0;
      outbox.onAppended(() => {
        ended++;
      });
      new Recovery({
        database,
        registry,
        runs,
        outbox,
        queues: new QueueStore(database),
        goingOn: new GoingOnStore(database),
        sessions: new SessionStore(database),
        messages: new MessageStore(database),
        clock: systemClock,
        ids: randomIds,
        log: silentLog,
      }).recoverDead();
      say(String(ended));
      registry.close(0);
      break;
    }
  }
}
