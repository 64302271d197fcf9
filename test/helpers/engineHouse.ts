// A built server with the scripted agent as the engine `scripted` of its user's configuration.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { problemsOf } from "./acpSchemas.js";
import { endServers, makeFolder, type ServerProcess, startServer } from "./serverProcess.js";
import { testNode } from "./testNode.js";
import { WireSession } from "./wireSession.js";

const program = fileURLToPath(new URL("./scriptedAgent.mjs", import.meta.url));

/** The scripted agent as a configuration has it; it keeps its notes in a folder. */
export function scriptedEntry(told: object, folder: string) {
  const env = {
    AGENT: JSON.stringify(told),
    AGENT_STORE: join(folder, "store.json"),
    AGENT_SEEN: join(folder, "seen"),
    AGENT_FRAMES: join(folder, "frames"),
  };
  return { type: "acp", command: [testNode, program], env };
}

/** What the agents of a folder noted, one a line. */
export function notedLines(folder: string, name: string): string[] {
  const file = join(folder, name);
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}

/** Those of the recorded frames that were sent to agents and that the schemas refuse. */
export function wrongFramesOf(lines: readonly string[]): string[] {
  const asked = new Map<string, string>();
  return lines.flatMap((line) => {
    const { agent, what, frame } = JSON.parse(line) as Recorded;
    const { id, method, params, result } = frame;
    const key = `${agent} ${JSON.stringify(id)}`;
    if (what === "asked") asked.set(key, method ?? "");
    else if (method !== undefined) {
      const kind = id === undefined ? "Notification" : "Request";
      return problemsOf(method, kind, params).map((problem) => `${problem}: ${line}`);
    } else if (result !== undefined) {
      const answered = asked.get(key);
      if (answered === undefined) return [`an answer to nothing: ${line}`];
      return problemsOf(answered, "Response", result).map((problem) => `${problem}: ${line}`);
    }
    return [];
  });
}

/**
 * Ends every server of a test file, and checks what was sent to their agents with the schemas of the
 * protocol. For `afterAll`.
 */
export async function endHouses(): Promise<void> {
  const wrong = [...houses].flatMap((house) => house.wrongFrames);
  houses.clear();
  await endServers();
  expect(wrong).toEqual([]);
}

const houses = new Set<EngineHouse>();

interface Recorded {
  readonly agent: number;
  /** What the agent asked, or what it got. */
  readonly what: "asked" | "got";
  readonly frame: {
    readonly id?: unknown;
    readonly method?: string;
    readonly params?: unknown;
    readonly result?: unknown;
  };
}

export class EngineHouse {
  readonly folder = makeFolder();
  readonly path = makeFolder();
  readonly #env: Record<string, string>;
  readonly #dataDir = makeFolder();
  server: ServerProcess;

  /** @param told how the agent begins (see scriptedAgent.mjs). */
  constructor(told: object = {}, config: object = {}, env: Record<string, string> = {}) {
    this.configure(told, config);
    this.#env = {
      TURNWIRE_CONFIG: join(this.folder, "config.json"),
      AGENT_KEY: "s3cret-value",
      ...env,
    };
    this.server = this.start();
    houses.add(this);
  }

  /** The frames that were sent to its agents and that the schemas refuse. */
  get wrongFrames(): string[] {
    return wrongFramesOf(this.#lines("frames"));
  }

  /** Writes the configuration. */
  configure(told: object, config: object = {}, more: object = {}): void {
    const { env, ...entry } = scriptedEntry(told, this.folder);
    const scripted = { ...entry, env: { ...env, KEY: "$AGENT_KEY" }, ...more };
    const text = JSON.stringify({ engines: { scripted }, ...config });
    writeFileSync(join(this.folder, "config.json"), text);
  }

  /** Starts a server over the same data. */
  start(): ServerProcess {
    this.server = startServer({ dataDir: this.#dataDir, env: this.#env });
    return this.server;
  }

  /** Opens the workspace with the engine, and a session in it unless one is named. */
  async open(
    permissionMode: "ask" | "allow" | "deny" | "plan" = "allow",
    sessionId?: string,
  ): Promise<WireSession> {
    const { server, path } = this;
    const asked = { path, permissionMode, engine: "scripted", initAgent: true };
    const { id: workspaceId } = await server.call("createWorkspace", asked);
    const id =
      sessionId ?? (await server.call("createSession", { workspaceId, title: "a session" })).id;
    return new WireSession(server, workspaceId, id, path);
  }

  /** The params of every request of a method that its agents got. */
  got(method: string): unknown[] {
    const frames = this.#lines("frames").map((line) => JSON.parse(line) as Recorded);
    return frames.flatMap(({ what, frame }) =>
      what === "got" && frame.method === method ? [frame.params] : [],
    );
  }

  /** What the agent noted of what it was asked, one a line. */
  get seen(): string[] {
    return this.#lines("seen");
  }

  #lines(name: string): string[] {
    return notedLines(this.folder, name);
  }

  /** The process number of the agent that was started last. */
  get agentPid(): number {
    const last = this.seen.filter((line) => line.startsWith("start ")).at(-1);
    return Number(last?.slice("start ".length));
  }
}
