// A server that dies at each named point of a rewind: the next one, or one that lives beside it,
// finishes what was written down.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildServer, type TestBuild } from "../helpers/faultBuild.js";
import { GoneError, type Notice, RpcError, ServerChild } from "../helpers/serverChild.js";

let build: TestBuild;
beforeAll(() => {
  build = buildServer({ faultPoints: true });
});
afterAll(() => build.remove());

/** One way of work: a folder, a data directory, and servers on it. */
class Desk {
  readonly root = mkdtempSync(join(tmpdir(), "turnwire-rewind-"));
  readonly workspace = join(this.root, "workspace");
  readonly dataDir = join(this.root, "data");
  ids: { workspaceId: string; sessionId: string } = { workspaceId: "", sessionId: "" };

  constructor() {
    mkdirSync(this.workspace);
    onTestFinished(() => rmSync(this.root, { recursive: true, force: true }));
  }

  async server(env: Readonly<Record<string, string>> = {}): Promise<ServerChild> {
    const notices: Notice[] = [];
    const server = new ServerChild({
      main: build.main,
      dataDir: this.dataDir,
      env,
      onNotice: (notice) => notices.push(notice),
    });
    onTestFinished(() => server.kill());
    await server.request("initialize", {
      protocolVersion: 1,
      clientInfo: { name: "t", version: "1" },
    });
    const { id } = await server.request("createWorkspace", {
      path: this.workspace,
      permissionMode: "allow",
      initAgent: true,
    });
    this.ids = { ...this.ids, workspaceId: String(id) };
    return server;
  }

  async run(server: ServerChild, runId: string, steps: readonly string[]): Promise<void> {
    const prompt = [...steps, "@say done"].join("\n");
    await server.request("sendMessage", { ...this.ids, prompt, runId });
    const completion = await server.request("waitRun", {
      workspaceId: this.ids.workspaceId,
      runId,
    });
    expect(completion.status).toBe("succeeded");
  }

  /** The files of the workspace with what they hold. */
  get files(): Record<string, string> {
    const names = readdirSync(this.workspace, { recursive: true, encoding: "utf8" });
    const files = names.filter((name) => existsSync(join(this.workspace, name)));
    return Object.fromEntries(
      files.sort().map((name) => {
        try {
          return [name, readFileSync(join(this.workspace, name), "utf8")];
        } catch {
          return [name, "(folder)"];
        }
      }),
    );
  }

  async messages(server: ServerChild): Promise<unknown> {
    return (await server.request("listMessages", this.ids)).messages;
  }

  /** Resolves when no rewind of the session is under way any more. */
  async rewound(server: ServerChild): Promise<void> {
    for (;;) {
      try {
        await server.request("rewindSession", { ...this.ids, runId: "r-1", dryRun: true });
        return;
      } catch (error) {
        if (!(error instanceof RpcError) || error.data.name !== "SessionBusy") throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}

const tool = (name: string, input: object) => `@tool ${name} ${JSON.stringify(input)}`;

/** A session in which two runs have changed files. */
async function worked(desk: Desk, server: ServerChild) {
  writeFileSync(join(desk.workspace, "old.txt"), "before");
  const session = await server.request("createSession", {
    workspaceId: desk.ids.workspaceId,
    title: "t",
  });
  desk.ids = { ...desk.ids, sessionId: String(session.id) };
  await desk.run(server, "r-0", ["@say hello"]);
  const before = { files: desk.files, messages: await desk.messages(server) };
  await desk.run(server, "r-1", [
    tool("read", { path: "old.txt" }),
    tool("write", { path: "old.txt", content: "after" }),
    tool("write", { path: "deep/er/new.txt", content: "new" }),
  ]);
  await desk.run(server, "r-2", [tool("write", { path: "more.txt", content: "more" })]);
  return { before, after: { files: desk.files, messages: await desk.messages(server) } };
}

const points = [
  "rewindPlanned:1",
  "rewindReplaced:1",
  "rewindReplaced:2",
  "rewindReplaced:3",
  "rewindWritten:1",
  "rewindWritten:2",
  "rewindWritten:3",
  "rewindMoved:1",
  "rewinding:1",
  "rewound:1",
];

describe("a server that dies at a point of a rewind", () => {
  test.each(points)("leaves it to the next one: %s", async (point) => {
    const desk = new Desk();
    const server = await desk.server({ TURNWIRE_FAULT_POINT: point });
    const { before, after } = await worked(desk, server);
    const asked = server.request("rewindSession", { ...desk.ids, runId: "r-1" });
    await expect(asked).rejects.toThrow(GoneError);
    const next = await desk.server();
    await desk.rewound(next);
    expect(desk.files).toEqual(before.files);
    expect(await desk.messages(next)).toEqual(before.messages);
    const { checkpoints } = (await next.request("listCheckpoints", desk.ids)) as {
      checkpoints: { checkpointId: string; isRewind?: true }[];
    };
    expect(checkpoints[0]?.isRewind).toBe(true);
    const { checkpointId } = checkpoints[0] ?? {};
    const back = await next.request("rewindSession", { ...desk.ids, checkpointId });
    expect(back.conflicts).toEqual([]);
    expect(desk.files).toEqual(after.files);
    expect(await desk.messages(next)).toEqual(after.messages);
    expect(await next.end()).toBe(0);
  });

  test.each(["rewindPlanned:1", "rewindWritten:1", "rewindMoved:1", "rewound:1"])(
    "leaves an /undo to the next one, whose run is told as interrupted: %s",
    async (point) => {
      const desk = new Desk();
      const server = await desk.server({ TURNWIRE_FAULT_POINT: point });
      const { before } = await worked(desk, server);
      const asked = server.request("sendMessage", { ...desk.ids, prompt: "/undo 2", runId: "u" });
      const { workspaceId } = desk.ids;
      const ended = server.request("waitRun", { workspaceId, runId: "u" });
      await expect(Promise.all([asked, ended])).rejects.toThrow(GoneError);
      const next = await desk.server();
      const completion = await next.request("waitRun", { workspaceId, runId: "u" });
      expect(completion).toMatchObject({ status: "interrupted" });
      await desk.rewound(next);
      expect(desk.files).toEqual(before.files);
      expect(await desk.messages(next)).toEqual(before.messages);
      expect(await next.end()).toBe(0);
    },
  );

  test("leaves it to one that lives beside it, which takes no prompt meanwhile", async () => {
    const desk = new Desk();
    const server = await desk.server({ TURNWIRE_FAULT_POINT: "rewindWritten:1" });
    const { before } = await worked(desk, server);
    const beside = await desk.server();
    const asked = server.request("rewindSession", { ...desk.ids, runId: "r-1" });
    await expect(asked).rejects.toThrow(GoneError);
    await desk.rewound(beside);
    expect(desk.files).toEqual(before.files);
    await desk.run(beside, "r-3", [tool("write", { path: "more.txt", content: "again" })]);
    expect(desk.files["more.txt"]).toBe("again");
  });

  test("leaves alone what somebody else wrote before it was finished", async () => {
    const desk = new Desk();
    const server = await desk.server({ TURNWIRE_FAULT_POINT: "rewindPlanned:1" });
    const { before } = await worked(desk, server);
    const asked = server.request("rewindSession", { ...desk.ids, runId: "r-1" });
    await expect(asked).rejects.toThrow(GoneError);
    writeFileSync(join(desk.workspace, "old.txt"), "by hand");
    const next = await desk.server();
    await desk.rewound(next);
    expect(desk.files).toEqual({ ...before.files, "old.txt": "by hand" });
    expect(await desk.messages(next)).toEqual(before.messages);
  });
});
