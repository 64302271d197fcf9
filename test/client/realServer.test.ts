import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SpawnOptions, TurnwireClient } from "../../src/client/index.js";
import type { RunComplete } from "../../src/protocol/objects/run.js";

const launcher = fileURLToPath(new URL("../../bin/turnwire.js", import.meta.url));

let folder: string;
const clients: TurnwireClient[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "turnwire-client-"));
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A client of a server that writes its process id down, so that it can be killed. */
async function start(options: SpawnOptions = {}): Promise<TurnwireClient> {
  const client = await TurnwireClient.spawn({
    command: "/bin/sh",
    args: [
      ...["-c", 'echo $$ > "$1/pid"; exec "$2" "$3" serve --data-dir "$1/data"', "sh"],
      ...[folder, process.execPath, launcher],
    ],
    env: {
      XDG_CONFIG_HOME: folder,
      ANTHROPIC_API_KEY: "",
      OPENAI_API_KEY: "",
      GEMINI_API_KEY: "",
      TURNWIRE_CONFIG: "",
    },
    ...options,
  });
  clients.push(client);
  return client;
}

function serverPid(): number {
  return Number(readFileSync(join(folder, "pid"), "utf8"));
}

async function openSession(client: TurnwireClient) {
  const workspace = await client.api.createWorkspace({ path: folder, initAgent: true });
  const session = await client.api.createSession({ workspaceId: workspace.id });
  return { workspaceId: workspace.id, sessionId: session.id };
}

/** Resolves when the model has said something. */
function firstDelta(client: TurnwireClient): Promise<void> {
  return new Promise((resolve) => {
    const stop = client.on("messageDelta", () => {
      stop();
      resolve();
    });
  });
}

describe("against a real server", () => {
  it.each(["ndjson", "header"] as const)("a run over %s resolves", async (framing) => {
    const client = await start({ framing });
    const place = await openSession(client);
    const completion = await client.run({ ...place, prompt: "@say 42." });
    expect(completion).toMatchObject({ status: "succeeded", text: "42.", attempt: 1 });
    expect(await client.api.listPendingCompletions()).toEqual({ completions: [] });
  });

  it("its own launcher is what is started unless told", async () => {
    const client = await TurnwireClient.spawn({ dataDir: join(folder, "data") });
    expect(client.server.serverInfo.name).toBe("turnwire");
    await client.close();
    expect(existsSync(join(folder, "data"))).toBe(true);
  });

  it("many runs on many sessions each get their own completion", async () => {
    const client = await start();
    const { workspaceId } = await openSession(client);
    const texts = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const { id: sessionId } = await client.api.createSession({ workspaceId });
        return (await client.run({ workspaceId, sessionId, prompt: `@say ${n}` })).text.trim();
      }),
    );
    expect(texts).toEqual(Array.from({ length: 20 }, (_, n) => String(n)));
  });

  it("all of a run's deltas come before it resolves", async () => {
    const client = await start();
    const place = await openSession(client);
    let text = "";
    const onEvent: Parameters<TurnwireClient["run"]>[0]["onEvent"] = ({ method, params }) => {
      if (method === "messageDelta" && params.kind === "text") text += params.delta;
    };
    const completion = await client.run({ ...place, prompt: "@chunks 300 50", onEvent });
    expect(text).toBe(completion.text);
  });

  it("one signal for many runs and streams makes Node warn of nothing", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    try {
      const client = await start();
      const sessions = await Promise.all(Array.from({ length: 15 }, () => openSession(client)));
      const { signal } = new AbortController();
      for (const _ of sessions) client.events({ signal });
      await Promise.all(sessions.map((ids) => client.run({ ...ids, prompt: "@say x", signal })));
      // A warning is emitted in a turn of its own.
      await new Promise((resolve) => setImmediate(resolve));
      expect(warnings).toEqual([]);
    } finally {
      process.off("warning", onWarning);
    }
  });

  it("an aborted run resolves as cancelled, and the session goes on", async () => {
    const client = await start();
    const place = await openSession(client);
    const controller = new AbortController();
    const begun = firstDelta(client);
    const { signal } = controller;
    const run = client.run({ ...place, prompt: "@say Begun.\n@wait 60000", signal });
    await begun;
    controller.abort();
    expect(await run).toMatchObject({ status: "cancelled", cancelled: true, cause: "user" });
    expect((await client.run({ ...place, prompt: "@say On." })).status).toBe("succeeded");
  });

  it("a run whose server is killed resolves as interrupted, and the client goes on", async () => {
    const client = await start();
    const place = await openSession(client);
    const begun = firstDelta(client);
    const run = client.run({ ...place, prompt: "@say Begun.\n@wait 60000", runId: "r-1" });
    await begun;
    const killed = serverPid();
    process.kill(killed, "SIGKILL");
    expect(await run).toMatchObject({ runId: "r-1", status: "interrupted", cause: "crash" });
    expect(serverPid()).not.toBe(killed);
    expect(await client.api.listPendingCompletions()).toEqual({ completions: [] });
    expect((await client.run({ ...place, prompt: "@say On." })).status).toBe("succeeded");
  });

  it("what was not acknowledged comes to the next client of the same identity", async () => {
    const first = await start({ clientId: "me" });
    const place = await openSession(first);
    const onComplete = () => Promise.reject(new Error("not now"));
    const run = first.run({ ...place, prompt: "@say 42.", runId: "r-1", onComplete });
    await expect(run).rejects.toThrow("not now");
    await first.close();

    const stranger = await start({ clientId: "other" });
    expect(stranger.server.pendingCompletions).toBe(0);
    await stranger.close();

    const second = await start({ clientId: "me" });
    expect(second.server.pendingCompletions).toBe(1);
    const completion = await new Promise<RunComplete>((resolve) => {
      second.onCompletion(resolve);
    });
    expect(completion).toMatchObject({ runId: "r-1", text: "42." });
    expect(completion.attempt).toBeGreaterThan(0);
    await second.close();
    expect((await start({ clientId: "me" })).server.pendingCompletions).toBe(0);
  });

  it("closing ends the process, with a turn under way as well", async () => {
    const client = await start();
    const place = await openSession(client);
    const begun = firstDelta(client);
    const run = client.run({ ...place, prompt: "@say Begun.\n@wait 60000" }).catch((e) => e);
    await begun;
    await client.close();
    expect(() => process.kill(serverPid(), 0)).toThrow("ESRCH");
    expect(await run).toSatisfy(
      (end: { name?: string; status?: string }) =>
        end.status === "cancelled" || end.name === "ConnectionLost",
    );
  });

  it("ends with its program where the client was unreferenced, and keeps the completion", async () => {
    const built = new URL("../../dist/client.js", import.meta.url).href;
    const dataDir = join(folder, "data");
    const program = `
      import { TurnwireClient } from ${JSON.stringify(built)};
      const [dataDir, path] = process.argv.slice(1);
      const client = await TurnwireClient.spawn({ dataDir, clientId: "left" });
      const { id: workspaceId } = await client.api.createWorkspace({ path, initAgent: true });
      const { id: sessionId } = await client.api.createSession({ workspaceId });
      await client.api.sendMessage({ workspaceId, sessionId, prompt: "@wait 60000", runId: "r" });
      client.unref();`;
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--input-type=module", "--eval", program, dataDir, folder],
      { encoding: "utf8", timeout: 120_000, env: { PATH: process.env.PATH, HOME: folder } },
    );
    expect([status, stderr]).toEqual([0, ""]);
    const next = await TurnwireClient.spawn({ dataDir, clientId: "left" });
    clients.push(next);
    const { completions } = await next.api.listPendingCompletions();
    const [{ runId, status: end } = {}] = completions;
    expect([runId, end]).toEqual(["r", "cancelled"]);
  });
});
