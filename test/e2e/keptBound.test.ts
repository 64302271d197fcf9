// protocol.md section 4, Taking back: `limits.checkpointMegabytes` on the built server.
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

let server: ServerProcess;
beforeEach(async () => {
  const config = join(makeFolder(), "turnwire.json");
  writeFileSync(config, '{ "limits": { "checkpointMegabytes": 1 } }');
  server = await startServer({ env: { TURNWIRE_CONFIG: config } });
});
afterEach(endServers);

const tool = (name: string, input: object) => `@tool ${name} ${JSON.stringify(input)}`;

it("gives up the oldest checkpoints when there is too much, and says why", async () => {
  const session = await openSession(server);
  for (const n of [1, 2, 3]) {
    const name = `${n}.txt`;
    writeFileSync(join(session.path, name), `${n}${".".repeat(450_000)}`);
    const change = [tool("read", { path: name }), tool("write", { path: name, content: "after" })];
    expect(await session.run(change.join("\n"), `r-${n}`)).toMatchObject({ status: "succeeded" });
  }
  const kept = join(server.dataDir, "kept");
  const bytes = readdirSync(kept, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  expect(bytes).toBeLessThanOrEqual(1_000_000);
  const { checkpoints } = await server.call("listCheckpoints", session.ids);
  expect(checkpoints.map(({ runId }) => runId)).toEqual(["r-3", "r-2"]);
  const error = await server.fail("rewindSession", { ...session.ids, runId: "r-1" });
  expect(error.data).toMatchObject({ name: "CheckpointNotFound", reason: "givenUp" });
  expect(error.message).toContain("limits.checkpointMegabytes");
  const { files } = await server.call("sessionChanges", session.ids);
  expect(files.map(({ path }) => path)).toEqual(["2.txt", "3.txt"]);
  const done = await server.call("rewindSession", { ...session.ids, runId: "r-2" });
  expect(done).toMatchObject({ conflicts: [], files: [{ path: "2.txt" }, { path: "3.txt" }] });
});
