// A built server with the scripted agent as the engine `scripted` of its user's configuration.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeFolder, type ServerProcess, startServer } from "./serverProcess.js";
import { testNode } from "./testNode.js";
import { WireSession } from "./wireSession.js";

const program = fileURLToPath(new URL("./scriptedAgent.mjs", import.meta.url));

export class EngineHouse {
  readonly folder = makeFolder();
  readonly path = makeFolder();
  readonly #env: Record<string, string>;
  readonly #dataDir = makeFolder();
  server: ServerProcess;

  /** @param told how the agent begins (see scriptedAgent.mjs). */
  constructor(told: object = {}, config: object = {}) {
    this.configure(told, config);
    this.#env = { TURNWIRE_CONFIG: join(this.folder, "config.json"), AGENT_KEY: "s3cret-value" };
    this.server = this.start();
  }

  /** Writes the configuration. */
  configure(told: object, config: object = {}): void {
    const env = {
      AGENT: JSON.stringify(told),
      AGENT_STORE: join(this.folder, "store.json"),
      AGENT_SEEN: join(this.folder, "seen"),
      KEY: "$AGENT_KEY",
    };
    const scripted = { type: "acp", command: [testNode, program], env };
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

  /** What the agent noted of what it was asked, one a line. */
  get seen(): string[] {
    const file = join(this.folder, "seen");
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  }

  /** The process number of the agent that was started last. */
  get agentPid(): number {
    const last = this.seen.filter((line) => line.startsWith("start ")).at(-1);
    return Number(last?.slice("start ".length));
  }
}
