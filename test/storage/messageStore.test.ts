import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { toMessage } from "../../src/coordinator/wireObjects.js";
import { Database } from "../../src/storage/database.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";

it("a message comes back as it was stored, with the model that wrote it where one did", () => {
  const folder = temporaryFolder();
  const database = Database.open(join(folder.path, "turnwire.db"));
  onTestFinished(() => {
    database.close();
    folder.remove();
  });
  const messages = new MessageStore(database);
  const common = { sessionId: "s", run: 1, parts: "[]", isSummary: false, createdAt: 0 };
  const byModel = { role: "assistant", model: "large", provider: "p" } as const;
  const byUser = { role: "user", model: undefined, provider: undefined } as const;
  messages.insert({ ...common, ...byUser, id: "m1" });
  messages.insert({ ...common, ...byModel, id: "m2", isSummary: true, createdAt: 1_000 });
  const times = { createdAt: "1970-01-01T00:00:00.000Z", updatedAt: "1970-01-01T00:00:00.000Z" };
  const later = { createdAt: "1970-01-01T00:00:01.000Z", updatedAt: "1970-01-01T00:00:01.000Z" };
  expect(messages.list("s", -1).rows.map((row) => toMessage(row, messages))).toEqual([
    { id: "m1", sessionId: "s", role: "user", parts: [], ...times },
    { id: "m2", sessionId: "s", ...byModel, parts: [], isSummary: true, ...later },
  ]);
});
