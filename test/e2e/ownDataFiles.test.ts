// protocol.md section 9: liveness is a lock, and nothing that the server does for a prompt lets go of it.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

/** A session of a workspace that has the server's data directory in it. */
async function openAround(): Promise<{ session: WireSession; lock: string }> {
  const path = makeFolder();
  const dataDir = join(path, "data");
  mkdirSync(dataDir);
  // Without ripgrep, the server searches files itself.
  const server = startServer({ dataDir, env: { PATH: "/nowhere" } });
  const session = await openSession(server, { path });
  const [lock] = readdirSync(join(dataDir, "servers"));
  return { session, lock: `data/servers/${lock}` };
}

async function stateSeenByAnother({ server, path, workspaceId }: WireSession, runId: string) {
  const another = startServer({ dataDir: server.dataDir });
  await another.call("createWorkspace", { path });
  const { state } = await another.call("getRun", { workspaceId, runId });
  await another.close();
  return state;
}

async function toolOutput(session: WireSession): Promise<string> {
  return session.server.until(() => {
    const parts = session.server.events("messageUpdated").flatMap(({ message }) => message.parts);
    return parts.map((part) => (part.type === "toolResult" ? part.output : "")).find(Boolean);
  });
}

it.each([
  ["reads its lock", (lock: string) => `@tool read {"path":"${lock}"}`],
  ["reads its database", () => '@tool read {"path":"data/turnwire.db"}'],
  ["edits its lock", (lock: string) => `@tool write {"path":"${lock}","content":"x"}`],
])("a server whose model %s lives for the others, and the model is refused", async (_, tool) => {
  const { session, lock } = await openAround();
  await session.send(`${tool(lock)}\n@wait 60000`, "r");
  expect(await toolOutput(session)).toContain("the server's own database");
  expect(await stateSeenByAnother(session, "r")).toBe("running");
});

it("a server that searches the files around its own lives for the others", async () => {
  const { session } = await openAround();
  writeFileSync(join(session.path, "data", "servers", "note.md"), "needle\n");
  await session.send('@tool grep {"pattern":"needle","path":"data"}\n@wait 60000', "r");
  expect(await toolOutput(session)).toContain("note.md");
  expect(await stateSeenByAnother(session, "r")).toBe("running");
});

it("a server's own files cannot be attached to a prompt", async () => {
  const { session, lock } = await openAround();
  await session.send("@wait 60000", "r");
  const other = await session.another();
  for (const path of [lock, "data/turnwire.db", "data/turnwire.db-shm"]) {
    const error = await session.server.fail("sendMessage", {
      ...other.params("look", "a"),
      attachments: [{ path }],
    });
    expect(error.message).toContain("is the server's own");
  }
  expect(await stateSeenByAnother(session, "r")).toBe("running");
});
