// A damaged database under the built server, and `turnwire doctor --repair`.
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, inject, it } from "vitest";
import { bySqlite, releaseFiles } from "../helpers/damage.js";
import { endServers, startServer } from "../helpers/serverProcess.js";
import { testNode } from "../helpers/testNode.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

/** A directory with a run that has ended and one that a crash cut off. */
async function crashed() {
  const server = startServer();
  await server.call("initialize", { clientId: "a" });
  const session = await openSession(server);
  await session.run("@say whole", "ended");
  await session.send("@say half\n@wait 60000", "cut");
  await expect
    .poll(
      async () =>
        (await session.server.call("getRun", { workspaceId: session.workspaceId, runId: "cut" }))
          .state,
    )
    .toBe("running");
  await expect
    .poll(async () => (await server.call("listMessages", session.ids)).messages.length)
    .toBeGreaterThanOrEqual(4);
  server.child.kill("SIGKILL");
  await server.exit;
  return { session, dataDir: server.dataDir, file: join(server.dataDir, "turnwire.db") };
}

async function doctor(dataDir: string): Promise<{ code: number; stdout: string }> {
  const args = [inject("serverScript"), "doctor", "--repair", "--data-dir", dataDir];
  return promisify(execFile)(testNode, args).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code: number; stdout: string }) => ({ code: error.code, stdout: error.stdout }),
  );
}

const lastReply = "SELECT max(position) FROM messages WHERE role = 'assistant'";

it.each([
  ["is no JSON", `UPDATE messages SET parts = '[{"type' WHERE position = (${lastReply})`, []],
  [
    "is larger than the heap allows",
    `UPDATE messages SET parts = printf('[%s%120000000c', '', 32) WHERE position = (${lastReply})`,
    ["--max-old-space-size=96"],
  ],
])("a crashed run whose reply %s keeps no server from its start", async (_, sql, nodeArgs) => {
  const { session, dataDir, file } = await crashed();
  bySqlite(file, sql);
  await releaseFiles();
  const server = startServer({ dataDir, nodeArgs });
  await server.call("initialize", { clientId: "a" });
  expect(await server.completion("cut")).toMatchObject({
    status: "interrupted",
    text: "",
    errorName: "StorageDamaged",
  });
  expect(server.stderr).toMatch(/damaged row was passed over/);
  await server.call("createWorkspace", { path: session.path, initAgent: true });
  const { messages } = await server.call("listMessages", session.ids);
  expect(messages.filter(({ errorName }) => errorName === "StorageDamaged")).toHaveLength(1);
  await server.call("sendMessage", { ...session.ids, prompt: "@say more", runId: "next" });
  expect(await server.completion("next")).toMatchObject({ text: "more", status: "succeeded" });
});

it("`doctor --repair` refuses under a living server, then mends and says what it did", async () => {
  const { session, dataDir, file } = await crashed();
  bySqlite(file, `UPDATE messages SET parts = '[{' WHERE position = (${lastReply})`);
  bySqlite(file, "UPDATE completions SET body = 'x'");
  await releaseFiles();
  const living = startServer({ dataDir });
  await living.call("initialize", { clientId: "b" });
  expect(await doctor(dataDir)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("end it first"),
  });
  living.child.stdin.end();
  await living.exit;
  const { code, stdout } = await doctor(dataDir);
  expect(stdout).toMatch(/^copy +.*is the database as it was$/m);
  expect(stdout).toMatch(/^messages +\d+ kept, 1 mended, 0 left out$/m);
  expect(stdout).toMatch(/^database +rebuilt$/m);
  expect(code).toBe(0);
  const copy = readdirSync(dataDir).find((name) => name.startsWith("turnwire.db.damaged-"));
  expect(existsSync(join(dataDir, String(copy)))).toBe(true);
  const server = startServer({ dataDir });
  await server.call("initialize", { clientId: "a" });
  expect(await server.completion("ended")).toMatchObject({ errorName: "StorageDamaged", text: "" });
  await server.call("createWorkspace", { path: session.path, initAgent: true });
  await server.call("sendMessage", { ...session.ids, prompt: "@say more", runId: "next" });
  expect(await server.completion("next")).toMatchObject({ text: "more" });
});
