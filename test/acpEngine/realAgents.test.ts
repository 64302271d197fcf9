// Other people's agents as engines, against a model on this machine: `npm run test:engines` installs them
// into a scratch folder and runs this. Each line of the table in docs/engines.md is one of these steps.
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { unless } from "../helpers/unless.js";
import { WireSession } from "../helpers/wireSession.js";
import { type RealAgent, realAgents, versionOf } from "./agents.js";
import { afterTool, hanging, ModelServer, spokenText } from "./modelServer.js";

const modules = process.env.TURNWIRE_ENGINES;
const reason = "TURNWIRE_ENGINES names no folder with the agents; use `npm run test:engines`";

afterAll(endServers);

const stepMs = 90_000;

unless(
  describe,
  modules === undefined,
  reason,
)("real agents", () => {
  describe.each(realAgents)("$name", (agent) => {
    const house = new RealHouse(agent, modules ?? "");
    afterAll(() => house.close());

    it("answers", { timeout: stepMs }, async () => {
      const session = await house.open();
      const run = await house.step("text", () => session.run("Say it. TW-TEXT", "text"));
      expect(run).toMatchObject({ status: "succeeded", text: spokenText });
    });

    it("asks before it runs a command", { timeout: stepMs }, async () => {
      const { session, path } = house;
      const asked: string[] = [];
      session.server.onPermission = ({ tool, description }) => {
        asked.push(`${tool} ${description}`);
        return { result: { decision: asked.length === 1 ? "allow" : "deny" } };
      };
      const run = await house.step("tool", () =>
        session.run("Run it. TW-TOOL echo made > made.txt;", "tool"),
      );
      expect(asked).toEqual([expect.stringMatching(/^(?:bash|execute) Run: .*echo made/)]);
      expect(run).toMatchObject({
        status: "succeeded",
        text: expect.stringContaining(afterTool),
      });
      expect(readFileSync(join(path, "made.txt"), "utf8")).toBe("made\n");
      const states = (await session.messages()).flatMap(({ parts }) =>
        parts.flatMap((part) => (part.type === "toolCall" ? [part.state] : [])),
      );
      expect(states).toEqual(["completed"]);
      const denied = await house.step("deny", () =>
        session.run("Run it. TW-TOOL echo made > denied.txt;", "deny"),
      );
      expect(asked).toHaveLength(2);
      expect(denied.denials).toBe(1);
      expect(existsSync(join(path, "denied.txt"))).toBe(false);
    });

    it("ends when it is cancelled, and goes on", { timeout: stepMs }, async () => {
      const { session } = house;
      await session.send("Begin. TW-HANG", "cancel");
      await house.untilHanging();
      const run = await house.step("cancel", async () => {
        await session.cancel();
        return session.server.completion("cancel");
      });
      expect(run).toMatchObject({ status: "cancelled", text: expect.stringContaining(hanging) });
      expect(await session.run("Say it. TW-TEXT", "after-cancel")).toMatchObject({
        text: spokenText,
      });
    });

    it("fails when it is killed, and the next prompt loads its session", {
      timeout: stepMs,
    }, async () => {
      const { session, model } = house;
      await session.send("Begin. TW-HANG", "crash");
      await house.untilHanging();
      process.kill(house.leader, "SIGKILL");
      const run = await house.step("crash", () => session.server.completion("crash"));
      expect(run).toMatchObject({ status: "failed", errorName: "EngineFailed" });
      expect(run.text).toContain(hanging);
      const before = model.asked.length;
      const said = (await session.messages()).length;
      const next = await house.step("load", () => session.run("Say it. TW-TEXT", "after-crash"));
      expect(next).toMatchObject({ status: "succeeded", text: spokenText });
      // It knows the conversation: from its own store, or because a new session was told of it.
      expect(model.asked.slice(before).some((talk) => talk.includes("made.txt"))).toBe(true);
      // A user's message and an answer: nothing of the replay.
      expect(await session.messages()).toHaveLength(said + 2);
    });

    it("leaves no process with the server, however that ends", { timeout: stepMs }, async () => {
      await house.step("close", () => house.session.server.close());
      expect(house.processes).toEqual([]);
      const session = await house.reopen();
      expect(await session.run("Say it. TW-TEXT", "reopened")).toMatchObject({
        text: spokenText,
      });
      await session.send("Begin. TW-HANG", "kill");
      await house.untilHanging();
      await session.server.kill();
      await house.step("kill", () => house.untilNone());
    });
  });
});

/** An agent, its model, and a server. */
class RealHouse {
  readonly path = modules === undefined ? "" : makeFolder();
  readonly #agent: RealAgent;
  readonly #modules: string;
  readonly #mark = `real-${process.pid}-${Math.floor(Math.random() * 1e9)}`;
  #dataDir = "";
  #config = "";
  #model: ModelServer | undefined;
  #session: WireSession | undefined;
  #hangs = 0;

  constructor(agent: RealAgent, modulesFolder: string) {
    this.#agent = agent;
    this.#modules = modulesFolder;
  }

  get model(): ModelServer {
    if (this.#model === undefined) throw new Error("no model runs");
    return this.#model;
  }

  get session(): WireSession {
    if (this.#session === undefined) throw new Error("no session is open");
    return this.#session;
  }

  async open(): Promise<WireSession> {
    this.#model = await ModelServer.start();
    const { command, env } = this.#agent.start(this.#modules, makeFolder(), this.#model.origin);
    const program = { type: "acp", command, env: { ...env, REAL_AGENT_MARK: this.#mark } };
    this.#dataDir = makeFolder();
    this.#config = join(makeFolder(), "config.json");
    writeFileSync(this.#config, JSON.stringify({ engines: { real: program } }));
    return this.reopen();
  }

  /** Starts a server over the same data. */
  async reopen(): Promise<WireSession> {
    const server = startServer({
      dataDir: this.#dataDir,
      env: { TURNWIRE_CONFIG: this.#config },
    });
    const asked = {
      path: this.path,
      permissionMode: "ask",
      engine: "real",
      initAgent: true,
    } as const;
    const { id: workspaceId } = await server.call("createWorkspace", asked);
    const sessionId =
      this.#session?.sessionId ??
      (await server.call("createSession", { workspaceId, title: "a session" })).id;
    this.#session = new WireSession(server, workspaceId, sessionId, this.path);
    this.#hangs = 0;
    return this.#session;
  }

  async close(): Promise<void> {
    await this.#model?.close();
  }

  /** Waits until the agent has begun one more answer that it does not end. */
  async untilHanging(): Promise<void> {
    const { server } = this.session;
    const begun = () =>
      server.events("messageDelta").filter((event) => JSON.stringify(event).includes(hanging))
        .length;
    await server.until(() => (begun() > this.#hangs ? true : undefined));
    this.#hangs = begun();
  }

  /** The processes of the agent: those that carry its mark. */
  get processes(): number[] {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        try {
          const isZombie = /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
          return !isZombie && readFileSync(`/proc/${pid}/environ`, "utf8").includes(this.#mark);
        } catch {
          // It has ended.
          return false;
        }
      });
  }

  /** The process that the server has started. */
  get leader(): number {
    const { pid } = this.session.server;
    const found = this.processes.find(
      (one) => readFileSync(`/proc/${one}/stat`, "utf8").split(") ")[1]?.split(" ")[1] === `${pid}`,
    );
    if (found === undefined) throw new Error("the agent does not run");
    return found;
  }

  async untilNone(): Promise<void> {
    const deadline = Date.now() + 60_000;
    while (this.processes.length > 0) {
      if (Date.now() > deadline) throw new Error(`left: ${this.processes}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Does a step, and notes how it went for the table. */
  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    const begun = Date.now();
    let ended: unknown = "nothing";
    try {
      const result = await work();
      ended = result;
      return result;
    } finally {
      const file = process.env.TURNWIRE_ENGINES_RESULTS;
      const { name: agent, packageName } = this.#agent;
      const version = versionOf(this.#modules, packageName);
      const line = { agent, version, step: name, milliseconds: Date.now() - begun, ended };
      if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
    }
  }
}
