// A folder that is a workspace with a data directory, and servers on it that die.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { defined } from "../../src/base/defined.js";
import type { Message } from "../../src/protocol/objects/message.js";
import type { RunComplete } from "../../src/protocol/objects/run.js";
import { buildServer, type TestBuild } from "../helpers/faultBuild.js";
import { ServerChild } from "../helpers/serverChild.js";

/** A session. */
export interface SessionIds {
  readonly workspaceId: string;
  readonly sessionId: string;
}

/** How a server is started on a desk. */
export interface DeskServer {
  /** Where it dies, see `src/base/faultPoint.ts`. */
  readonly point?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The variables of the workspace: a run goes on only in a server that has all that it began with. */
  readonly workspaceEnv?: Readonly<Record<string, string>>;
  readonly permissionSeconds?: number;
  /** `allow` by default. */
  readonly permissionMode?: "ask";
}

/** The desks of a test file: open it in `beforeAll`, and close it in `afterAll`. */
export class Desks {
  readonly #build: TestBuild = buildServer({ faultPoints: true });
  /** What ends servers, and then removes folders. */
  readonly endings: (() => unknown)[] = [];

  get main(): string {
    return this.#build.main;
  }

  open(): Desk {
    return new Desk(this);
  }

  async close(): Promise<void> {
    for (const end of this.endings) await end();
    this.#build.remove();
  }
}

export class Desk {
  readonly root = mkdtempSync(join(tmpdir(), "turnwire-desk-"));
  readonly workspace = join(this.root, "workspace");
  readonly dataDir = join(this.root, "data");
  /** The session that is meant where none is named. */
  ids: SessionIds = { workspaceId: "", sessionId: "" };
  readonly #desks: Desks;

  constructor(desks: Desks) {
    this.#desks = desks;
    mkdirSync(this.workspace);
    desks.endings.push(() => rmSync(this.root, { recursive: true, force: true }));
  }

  async server(given: DeskServer = {}): Promise<ServerChild> {
    const { point, env, workspaceEnv, permissionSeconds, permissionMode = "allow" } = given;
    const server = new ServerChild({
      main: this.#desks.main,
      dataDir: this.dataDir,
      env: { ...env, ...defined({ TURNWIRE_FAULT_POINT: point }) },
    });
    this.#desks.endings.unshift(() => server.kill());
    await server.request("initialize", { clientId: "c", permissionSeconds });
    const { id } = await server.request("createWorkspace", {
      path: this.workspace,
      permissionMode,
      initAgent: true,
      env: workspaceEnv,
    });
    this.ids = { ...this.ids, workspaceId: String(id) };
    return server;
  }

  /** Makes the session, unless it is there. */
  async session(server: ServerChild): Promise<void> {
    const { workspaceId, sessionId } = this.ids;
    if (sessionId !== "") return;
    const { id } = await server.request("createSession", { workspaceId, title: "t" });
    this.ids = { workspaceId, sessionId: String(id) };
  }

  /** Sends a run that goes on after a loss, unless its options say something else. */
  async send(server: ServerChild, runId: string, prompt: string, more: object = {}) {
    await this.session(server);
    const options = { onServerLoss: "continue", ...more };
    await server.request("sendMessage", { ...this.ids, runId, prompt, options });
  }

  async wait(server: ServerChild, runId: string): Promise<RunComplete> {
    const { workspaceId } = this.ids;
    const completion = await server.request("waitRun", { workspaceId, runId, timeoutMs: 120_000 });
    return completion as unknown as RunComplete;
  }

  async messages(server: ServerChild, ids = this.ids): Promise<Message[]> {
    return (await server.request("listMessages", ids)).messages as Message[];
  }

  /** Every completion that nobody has acknowledged. */
  async completions(server: ServerChild): Promise<RunComplete[]> {
    return (await server.request("listPendingCompletions", {})).completions as RunComplete[];
  }

  /** How often each effect happened: the lines of `effects.txt`. */
  get effects(): Record<string, number> {
    const file = join(this.workspace, "effects.txt");
    const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    const counts: Record<string, number> = {};
    for (const line of lines) counts[line] = (counts[line] ?? 0) + 1;
    return counts;
  }
}

/** A line of a script: a tool call. */
export const tool = (name: string, input: object) => `@tool ${name} ${JSON.stringify(input)}`;

/** A line of a script: a command with an effect. */
export const effect = (text: string) =>
  tool("bash", { command: `echo ${text} >> effects.txt`, description: "x" });

/** Every call has one result, and every reply an end. */
export function expectWhole(messages: readonly Message[]): void {
  const parts = messages.flatMap((message) => message.parts);
  const calls = parts.flatMap((part) => (part.type === "toolCall" ? [part] : []));
  const results = parts.flatMap((part) => (part.type === "toolResult" ? [part.toolCallId] : []));
  expect(results.toSorted()).toEqual(calls.map(({ toolCallId }) => toolCallId).toSorted());
  for (const { state } of calls) expect(["completed", "failed", "cancelled"]).toContain(state);
  for (const { role, parts: own } of messages) {
    if (role === "assistant") expect(own.at(-1)?.type).toBe("finish");
  }
}
