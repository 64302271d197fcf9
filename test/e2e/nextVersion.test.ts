// protocol.md section 9: two versions at once, as an extension that is updated while another window's
// server runs a turn. The newer one is this build with one more step of the schema.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { migrations, schema } from "../../src/storage/migrations.js";
import { reply } from "../helpers/loopbackProvider.js";
import { type LoopbackServer, occupy, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const step = "ALTER TABLE runs ADD COLUMN ofTheNextVersion TEXT;";

/** The next version, made of this one's build; `worksFrom` is the fewest steps that it works with. */
function nextVersion(worksFrom: number): string {
  const cache = join(root, "node_modules", ".cache", "turnwire");
  mkdirSync(cache, { recursive: true });
  const home = mkdtempSync(join(cache, "next-"));
  homes.push(home);
  cpSync(dirname(built()), join(home, "dist"), { recursive: true });
  cpSync(join(root, "package.json"), join(home, "package.json"));
  const file = join(home, "dist", "main.cjs");
  const { readableFrom } = schema;
  const own = new RegExp(`\\{steps:([\\w$]+),readableFrom:${readableFrom},worksFrom:\\d+\\}`, "g");
  const text = readFileSync(file, "utf8");
  expect(text.match(own)).toHaveLength(1);
  const steps = JSON.stringify(step);
  const next = `{steps:[...$1,${steps}],readableFrom:${readableFrom},worksFrom:${worksFrom}}`;
  writeFileSync(file, text.replace(own, next));
  return join(home, "dist", "main.js");
}

/** The program of this build. */
function built(): string {
  const dist = process.env.TURNWIRE_DIST ?? "dist";
  return join(root, dist, "main.js");
}

const homes: string[] = [];
let loopback: LoopbackServer;
beforeAll(async () => {
  loopback = await startLoopbackServer();
});
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
  for (const home of homes) rmSync(home, { recursive: true, force: true });
});

it("works beside a running turn with the old schema, and takes its step when alone", async () => {
  const { server, provider, env } = loopback;
  const session = await openSession(server);
  const gate = await occupy(session, provider, "old");
  const newer = startServer({ dataDir: server.dataDir, env, main: nextVersion(schema.worksFrom) });
  const second = await openSession(newer);
  provider.enqueue(reply().text("from the newer"));
  expect(await second.run("hello", "new")).toMatchObject({ text: "from the newer" });
  gate.open();
  expect(await server.completion("old")).toMatchObject({ text: "so far and more" });
});

it("refuses where it needs its own schema, and names the older server", async () => {
  const main = nextVersion(migrations.length + 1);
  const { server, env } = loopback;
  const refused = startServer({ dataDir: server.dataDir, env, main });
  expect(await refused.exit).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain(`process ${server.child.pid}`);
  await server.kill();
  const alone = startServer({ dataDir: server.dataDir, env, main });
  const session = await openSession(alone, { path: makeFolder() });
  await alone.call("listSessions", { workspaceId: session.workspaceId });
  await alone.kill();
  // The version of before goes on with the file: the step has only added.
  const again = startServer({ dataDir: server.dataDir, env });
  expect((await openSession(again)).sessionId).not.toBe("");
});
