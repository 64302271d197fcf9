// `turnwire inspect` looks into servers that run: several of one data directory, and its daemon.
import type { ChildProcess } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { Entry } from "../../src/inspector/entries.js";
import { endDaemons, runProgram, startDaemon } from "../helpers/daemonChild.js";
import { type Notice, ServerChild } from "../helpers/serverChild.js";
import { unless } from "../helpers/unless.js";
import { startInspector } from "./browser.js";

const onWindows = process.platform === "win32";

/** A line of what a page gets. */
type Line = (Entry | { readonly kind: "state" }) & Readonly<Record<string, unknown>>;

/** What a page would get, read by a program. */
class Reader {
  readonly lines: Line[] = [];
  readonly #origin: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #stop = new AbortController();

  constructor(link: string) {
    const { origin, hash } = new URL(link);
    this.#origin = origin;
    this.#headers = { authorization: `Bearer ${hash.slice(1)}` };
    void this.#read();
  }

  /** The first line that fits, when there is one. */
  async find(fits: (line: Line) => boolean): Promise<Line> {
    await expect.poll(() => this.lines.some(fits)).toBe(true);
    return this.lines.find(fits) as Line;
  }

  /** A message with this method, on a pipe. */
  message(method: string, pipe = ""): Promise<Line> {
    return this.find(
      (line) =>
        (line.message as { method?: string })?.method === method &&
        String(line.pipe).startsWith(pipe),
    );
  }

  async act(body: object): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.#origin}/act`, {
      method: "POST",
      headers: { ...this.#headers, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: response.status, text: await response.text() };
  }

  close(): void {
    this.#stop.abort();
  }

  async #read(): Promise<void> {
    try {
      const { signal } = this.#stop;
      const response = await fetch(`${this.#origin}/entries`, { headers: this.#headers, signal });
      const decoder = new TextDecoder();
      let rest = "";
      for await (const chunk of response.body ?? []) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        this.lines.push(...lines.map((line) => JSON.parse(line) as Line));
      }
    } catch {
      // The inspector or the test has ended.
    }
  }
}

/** A client with a session, whose completions nobody acknowledges. */
async function openClient(child: ServerChild, clientId: string, folder: string) {
  await child.request("initialize", { clientId, clientInfo: { name: clientId } });
  const { id: workspaceId } = await child.request("createWorkspace", {
    path: folder,
    initAgent: true,
  });
  const { id: sessionId } = await child.request("createSession", { workspaceId });
  return async (prompt: string) => {
    const runId = `${clientId}-${prompt.length}`;
    await child.request("sendMessage", { workspaceId, sessionId, prompt, runId });
    return child.request("waitRun", { workspaceId, runId });
  };
}

unless(
  describe,
  onWindows,
  "there are no Unix sockets",
)("an inspector of a data directory", () => {
  let folder: string;
  let dataDir: string;
  const inspectors: ChildProcess[] = [];
  const servers: ServerChild[] = [];
  const notices: Notice[] = [];

  beforeAll(() => {
    expect(inject("buildError")).toBe("");
    folder = mkdtempSync(join(tmpdir(), "turnwire-live-"));
    dataDir = join(folder, "data");
    mkdirSync(join(folder, "project"));
  });
  afterAll(async () => {
    for (const child of inspectors) child.kill("SIGTERM");
    await Promise.all(servers.map((server) => server.kill()));
    await endDaemons();
    rmSync(folder, { recursive: true, force: true });
  });

  function serve(...args: string[]): ServerChild {
    const server = new ServerChild({
      main: inject("serverScript"),
      dataDir,
      args,
      onNotice: (notice) => void notices.push(notice),
    });
    servers.push(server);
    return server;
  }

  async function inspect(...args: string[]): Promise<Reader> {
    const { child, link } = await startInspector("--data-dir", dataDir, ...args);
    inspectors.push(child);
    return new Reader(link);
  }

  it("shows several servers, and what was said before it came", async () => {
    const first = serve("--inspect");
    const send = await openClient(first, "one", join(folder, "project"));
    await send("@say The first answer.");
    const reader = await inspect();
    const created = await reader.message("createSession", `${first.pid}`);
    expect(created).toMatchObject({ kind: "message", from: "client" });
    expect(await reader.message("runComplete")).toMatchObject({ from: "server" });
    const second = serve("--inspect");
    await second.request("ping");
    await reader.message("ping", `${second.pid}`);
    const state = await reader.find((line) => line.kind === "state" && "processes" in line);
    expect(state.processes).toContainEqual(expect.objectContaining({ pid: first.pid }));
    await reader.find((line) => JSON.stringify(line).includes("Event-loop delay"));
    await reader.find((line) => JSON.stringify(line).includes("Write-ahead log"));
    await second.end();
    await reader.find(({ kind, pipe }) => kind === "end" && pipe === `${second.pid}`);
    reader.close();
  });

  it("delivers a completion again, and acknowledges it for its client", async () => {
    const reader = await inspect();
    const ledgerOf = async (fits: (row: Record<string, unknown>) => boolean) => {
      const line = await reader.find(
        ({ ledger }) => Array.isArray(ledger) && ledger.some((row) => fits(row)),
      );
      return (line.ledger as Record<string, unknown>[]).find(fits);
    };
    const row = await ledgerOf(({ clientId }) => clientId === "one");
    expect(row).toMatchObject({ status: "succeeded", attempt: 1, runId: "one-22" });
    const { completionId } = row ?? {};
    const delivered = () =>
      notices.filter(
        ({ method, params }) => method === "runComplete" && params.completionId === completionId,
      );
    expect(delivered()).toHaveLength(1);
    expect(await reader.act({ what: "redeliver", completionId })).toMatchObject({ status: 200 });
    await expect.poll(() => delivered().map(({ params }) => params.attempt)).toEqual([1, 2]);
    expect(await reader.act({ what: "acknowledge", completionId })).toMatchObject({ status: 200 });
    await ledgerOf((one) => one.completionId === completionId && one.acknowledgedAt !== undefined);
    expect(await reader.act({ what: "redeliver", completionId: "cmp_none" })).toEqual({
      status: 500,
      text: "There is no such completion any more.",
    });
    reader.close();
  });

  it("can be let in by a signal, and the server goes on", async () => {
    const server = serve();
    await server.request("ping");
    const reader = await inspect("--hide-contents");
    process.kill(server.pid, "SIGUSR2");
    await expect.poll(() => existsSync(join(dataDir, "inspect", `${server.pid}.json`))).toBe(true);
    const send = await openClient(server, "two", join(folder, "project"));
    await send("@say Nobody may read this.");
    await reader.message("runComplete", `${server.pid}`);
    expect(JSON.stringify(reader.lines)).not.toContain("Nobody may read");
    process.kill(server.pid, "SIGUSR2");
    expect(await server.request("ping")).toEqual({});
    reader.close();
  });

  it("keeps others out, and leaves nothing behind", async () => {
    const server = serve("--inspect");
    await server.request("ping");
    const place = join(dataDir, "inspect");
    const socket = join(place, `${server.pid}.sock`);
    await expect.poll(() => existsSync(join(place, `${server.pid}.json`))).toBe(true);
    expect(statSync(place).mode & 0o777).toBe(0o700);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    await server.end();
    expect(readdirSync(place).filter((name) => name.startsWith(`${server.pid}.`))).toEqual([]);
    // A server that was killed has left its note; an inspector takes it away.
    const killed = serve("--inspect");
    await killed.request("ping");
    await expect.poll(() => existsSync(join(place, `${killed.pid}.json`))).toBe(true);
    await killed.kill();
    const reader = await inspect();
    await expect.poll(() => existsSync(join(place, `${killed.pid}.json`))).toBe(false);
    reader.close();
  });

  it("shows each client of the daemon", async () => {
    const isKnown = (pipe: unknown) =>
      [...servers, daemon].some(({ pid }) => String(pipe) === `${pid}`);
    const daemon = await startDaemon({ dataDir, args: ["--inspect"] });
    const reader = await inspect();
    const client = await daemon.connect();
    client.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
    await reader.message("ping", `${daemon.pid} client`);
    client.destroy();
    await daemon.kill();
    // A daemon in the background gets the option too.
    expect((await runProgram(["daemon", "start", "--data-dir", dataDir, "--inspect"])).code).toBe(
      0,
    );
    await reader.find(({ kind, pipe }) => kind === "start" && pipe !== undefined && !isKnown(pipe));
    expect((await runProgram(["daemon", "stop", "--data-dir", dataDir])).code).toBe(0);
    reader.close();
  });

  it("takes from a server only what it knows", async () => {
    const place = join(folder, "odd", "inspect");
    mkdirSync(place, { recursive: true, mode: 0o700 });
    const address = join(place, "1.sock");
    const odd = createServer((socket) => {
      const lines = [
        ...["null", "[1]", "no JSON", '{"kind":"later","at":1}', '{"kind":"message","at":"now"}'],
        ...[
          '{"kind":"start","at":1,"command":"a text"}',
          '{"kind":"state","health":5,"clients":{}}',
        ],
        '{"kind":"missed","at":1,"count":"many"}',
        '{"kind":"missed","at":1,"count":3}',
        '{"kind":"message","at":1,"from":"client","bytes":9,"message":{"method":"right"}}',
      ];
      socket.write(`${lines.join("\n")}\n`);
    });
    await new Promise<void>((resolve) => odd.listen(address, resolve));
    writeFileSync(join(place, "1.json"), JSON.stringify({ pid: 1, address }));
    const { child, link } = await startInspector("--data-dir", join(folder, "odd"));
    inspectors.push(child);
    const reader = new Reader(link);
    await reader.message("right", "1");
    const told = reader.lines.filter(({ pipe }) => pipe === "1");
    expect(
      told
        .filter(({ kind }) => kind !== "stderr")
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual([
      "message",
      "missed",
      ...(told.some((line) => "processes" in line) ? ["state"] : []),
      "state",
    ]);
    expect(told).toContainEqual({ kind: "state", pipe: "1", health: [], clients: [] });
    // What this inspector was too slow for is told to those that read it.
    expect(told).toContainEqual({ kind: "missed", pipe: "1", at: 1, count: 3 });
    reader.close();
    odd.close();
  });

  it("refuses a folder that others can write to", async () => {
    const place = join(folder, "open");
    mkdirSync(join(place, "inspect"), { recursive: true, mode: 0o755 });
    writeFileSync(join(place, "inspect", "1.json"), '{"pid":1,"address":"/tmp/x"}');
    await expect(startInspector("--data-dir", place)).rejects.toThrow("with the permissions 0700");
  });
});
