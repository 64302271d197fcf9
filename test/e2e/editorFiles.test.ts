// The files of an editor (protocol.md section 7), with the built server over its pipes.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { FileRead, FileWrite, PermissionQuestion } from "../../src/protocol/registry.js";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

/** What a client answers to one request; undefined for silence. */
type Reaction = { readonly result: unknown } | { readonly error: object } | undefined;

/** An editor with buffers, by absolute path. */
class Editor {
  readonly buffers = new Map<string, { content: string; version: number }>();
  readonly asked: string[] = [];
  readonly runs: unknown[] = [];
  /** Whether it saves what it is asked to write, as editors do. */
  saves = false;
  /** Answers in the place of the editor where it returns something. */
  instead: (asked: FileRead | FileWrite) => Reaction | "silence" | undefined = () => undefined;
  onPermission: (question: PermissionQuestion) => object = () => ({ decision: "allow" });

  set(path: string, content: string): void {
    this.buffers.set(path, { content, version: (this.buffers.get(path)?.version ?? 0) + 1 });
  }

  text(path: string): string | undefined {
    return this.buffers.get(path)?.content;
  }

  readonly react = (params: object): Reaction => {
    if (!("path" in params) || "permissionId" in params) {
      return { result: this.onPermission(params as PermissionQuestion) };
    }
    const asked = params as FileRead | FileWrite;
    this.asked.push(`${"content" in asked ? "write" : "read"} ${asked.path}`);
    this.runs.push(asked.runId);
    const instead = this.instead(asked);
    if (instead === "silence") return undefined;
    if (instead !== undefined) return instead;
    const buffer = this.buffers.get(asked.path);
    if (!("content" in asked)) return { result: buffer ?? { missing: true } };
    if ((buffer?.version ?? null) !== asked.version) {
      return { error: { code: 1025, message: "it moved on", data: { name: "FileChanged" } } };
    }
    this.set(asked.path, asked.content);
    if (this.saves) writeFileSync(asked.path, asked.content);
    return { result: { version: this.buffers.get(asked.path)?.version } };
  };
}

interface Setting {
  readonly session: WireSession;
  readonly server: ServerProcess;
  readonly editor: Editor;
  /** The file on the disk, which the editor has open with other text. */
  readonly path: string;
}

let runs = 0;
/** The tests share a server, and it tells completions by their `runId`. */
const runId = () => `r-${++runs}`;

let shared: Promise<ServerProcess> | undefined;

async function greet(files: boolean): Promise<ServerProcess> {
  const server = startServer();
  await server.call("initialize", { clientId: "editor", capabilities: { files } });
  return server;
}

/** A session of a server that most tests share. */
async function open(
  mode: "ask" | "allow" = "allow",
  own?: { readonly files: boolean },
): Promise<Setting> {
  shared ??= greet(true);
  const server = await (own === undefined ? shared : greet(own.files));
  const session = await openSession(server, { permissionMode: mode });
  const editor = new Editor();
  server.onPermission = (params) => editor.react(params) as never;
  const path = join(session.path, "a.txt");
  writeFileSync(path, "saved\n");
  editor.set(path, "unsaved\n");
  return { session, server, editor, path };
}

const read = (path = "a.txt") => `@tool read ${JSON.stringify({ path })}`;
const edit = (oldText: string, newText: string, path = "a.txt") =>
  `@tool edit ${JSON.stringify({ path, edits: [{ oldText, newText }] })}`;
const write = (content: string, path = "a.txt") =>
  `@tool write ${JSON.stringify({ path, content })}`;

async function results(session: WireSession) {
  const parts = (await session.messages()).flatMap((message) => message.parts);
  return parts.filter((part) => part.type === "toolResult");
}

async function lastOutput(session: WireSession): Promise<string> {
  const all = await results(session);
  return String(Object(all.at(-1)).output);
}

describe("the files of an editor", () => {
  it("are what read shows, and what edit and write change; the disk stays the client's", async () => {
    const { session, editor, path } = await open();
    const made = join(session.path, "new", "b.txt");
    const prompt = [read(), edit("unsaved", "edited"), write("made\n", "new/b.txt"), "@say ok"];
    expect(await session.run(prompt.join("\n"), "the-run")).toMatchObject({ status: "succeeded" });
    expect((await results(session))[0]).toMatchObject({ output: "     1\tunsaved" });
    expect([editor.text(path), editor.text(made)]).toEqual(["edited\n", "made\n"]);
    expect(readFileSync(path, "utf8")).toBe("saved\n");
    expect(existsSync(join(session.path, "new"))).toBe(false);
    expect(editor.asked).toEqual([
      `read ${path}`,
      `read ${path}`,
      `write ${path}`,
      `read ${made}`,
      `write ${made}`,
    ]);
    expect(new Set(editor.runs)).toEqual(new Set(["the-run"]));
  });

  it("are not asked for without the capability", async () => {
    const { session, editor, path } = await open("allow", { files: false });
    await session.run([read(), edit("saved", "edited"), "@say ok"].join("\n"), runId());
    expect(editor.asked).toEqual([]);
    expect(readFileSync(path, "utf8")).toBe("edited\n");
  });

  it("keep their byte order mark and line ends", async () => {
    const { session, editor, path } = await open();
    editor.set(path, "\uFEFFone\r\ntwo\r\n");
    await session.run([read(), edit("one\ntwo", "1\n2"), "@say ok"].join("\n"), runId());
    expect(editor.text(path)).toBe("\uFEFF1\r\n2\r\n");
  });

  it("are asked for by the real path, and only inside the workspace", async () => {
    const { session, editor } = await open();
    const outside = join(makeFolder(), "c.txt");
    writeFileSync(outside, "outside\n");
    mkdirSync(join(session.path, "real"));
    writeFileSync(join(session.path, "real", "d.txt"), "disk\n");
    symlinkSync("real", join(session.path, "link"));
    symlinkSync(outside, join(session.path, "way-out"));
    editor.set(join(session.path, "real", "d.txt"), "buffer\n");
    const prompt = [read("link/d.txt"), read("way-out"), read(outside), "@say ok"].join("\n");
    await session.run(prompt, runId());
    expect((await results(session)).map((one) => Object(one).output)).toEqual([
      "     1\tbuffer",
      "     1\toutside",
      "     1\toutside",
    ]);
    expect(editor.asked).toEqual([`read ${join(session.path, "real", "d.txt")}`]);
  });

  it.each([
    ["binary", Buffer.from([0, 1, 2])],
    ["not UTF-8", Buffer.from([0xe4, 0x0a])],
    ["larger than 10 MiB", Buffer.alloc(10 * 1024 * 1024 + 1, "x")],
    ["a PDF", Buffer.from("%PDF-1.7\n")],
  ])("are not asked for where the disk has what is %s", async (_, data) => {
    const { session, editor, path } = await open();
    writeFileSync(path, data);
    await session.run(`${read()}\n@say ok`, runId());
    expect(editor.asked).toEqual([]);
  });

  it("are not asked for where a rule denies the path", async () => {
    const { session, editor } = await open();
    const deny = ["read:a.txt", "edit:b.txt", "write:b.txt"];
    writeFileSync(join(session.path, "turnwire.json"), JSON.stringify({ permissions: { deny } }));
    const prompt = [read(), write("x", "b.txt"), edit("x", "y", "a.txt"), "@say ok"].join("\n");
    await session.run(prompt, runId());
    expect(editor.asked).toEqual([]);
    expect(await lastOutput(session)).toMatch(/has not been read/);
  });

  it("are asked for in a sub-task, under the run's own ids", async () => {
    const { session, server, editor, path } = await open("allow", { files: true });
    await session.run(
      `@tool task ${JSON.stringify({ description: "look", prompt: `${read()}\n@say done` })}\n@say ok`,
      "the-run",
    );
    expect(editor.asked).toEqual([`read ${path}`]);
    const asked = server.frames.find(({ method }) => method === "readFile");
    expect(asked?.params).toEqual({ ...session.ids, runId: "the-run", path });
  });
});

describe("an answer that is of no use", () => {
  it.each<[string, Reaction, RegExp]>([
    ["an error", { error: { code: 1, message: "no buffer" } }, /could not read it: no buffer/],
    ["no handler", { error: { code: -32601, message: "none" } }, /could not read it/],
    ["nothing", { result: null }, /no file's content/],
    ["a content without a version", { result: { content: "x" } }, /no file's content/],
    ["a number", { result: { content: 7, version: 1 } }, /no file's content/],
    ["missing: false", { result: { missing: false } }, /no file's content/],
    ["half a character", { result: { content: "\ud800", version: 1 } }, /no file's content/],
    [
      "more than 10 MiB",
      { result: { content: "é".repeat(5 * 1024 * 1024 + 1), version: 1 } },
      /larger in the editor/,
    ],
  ])("to a read: %s is told to the model, and the disk is not used", async (_, answer, told) => {
    const { session, editor } = await open();
    editor.instead = () => answer;
    expect(await session.run(`${read()}\n@say ok`, runId())).toMatchObject({ text: "ok" });
    expect((await results(session)).at(-1)).toMatchObject({ isError: true });
    expect(await lastOutput(session)).toMatch(told);
  });

  it("takes 10 MiB, and shows the beginning", async () => {
    const { session, editor, path } = await open();
    editor.set(path, `first\n${"x".repeat(10 * 1024 * 1024 - 6)}`);
    await session.run(`${read()}\n@say ok`, runId());
    expect(await lastOutput(session)).toMatch(/^ {5}1\tfirst\n {5}2\tx+ \[… .* more bytes/);
  });

  it.each<[string, Reaction, RegExp]>([
    ["an error", { error: { code: 1, message: "disk full" } }, /could not write it: disk full/],
    ["nonsense", { result: { ok: true } }, /no answer to it/],
  ])(
    "to a write: after %s the disk is as it was, and it must be read again",
    async (_, answer, told) => {
      const { session, editor, path } = await open();
      editor.instead = (asked) => ("content" in asked ? answer : undefined);
      const prompt = [read(), edit("unsaved", "one"), edit("unsaved", "two"), "@say ok"].join("\n");
      expect(await session.run(prompt, runId())).toMatchObject({ text: "ok" });
      const [, first, second] = await results(session);
      expect(Object(first).output).toMatch(told);
      expect(Object(first).output).toMatch(/read it again/);
      expect(Object(second).output).toMatch(/has not been read/);
      expect(readFileSync(path, "utf8")).toBe("saved\n");
    },
  );

  it("to a write for a file that moved on is FileChanged, and nothing is written", async () => {
    const { session, editor, path } = await open();
    editor.instead = (asked) => {
      if ("content" in asked) editor.set(path, "typed meanwhile\n");
      return undefined;
    };
    await session.run([read(), edit("unsaved", "mine"), "@say ok"].join("\n"), runId());
    expect(await lastOutput(session)).toMatch(
      /changed in the editor just now; nothing was written/,
    );
    expect([editor.text(path), readFileSync(path, "utf8")]).toEqual([
      "typed meanwhile\n",
      "saved\n",
    ]);
  });
});

describe("a change in the editor", () => {
  it("is refused where the model has read another text", async () => {
    const { session, editor, path } = await open();
    await session.run(`${read()}\n@say ok`, runId());
    // Another buffer under the same version, as after a restart of the editor.
    editor.buffers.set(path, { content: "unsaved, and more\n", version: 1 });
    await session.run(`${edit("unsaved", "x")}\n@say ok`, runId());
    expect(await lastOutput(session)).toMatch(/was changed since it was read/);
    expect(editor.text(path)).toBe("unsaved, and more\n");
  });

  it("is shown by the question, and refused if the buffer changed since", async () => {
    const { session, editor, path } = await open("ask");
    let diff = "";
    editor.onPermission = (question) => {
      diff = String(question.diff);
      editor.set(path, "typed while asked\n");
      return { decision: "allow" };
    };
    await session.run([read(), edit("unsaved", "mine"), "@say ok"].join("\n"), runId());
    expect(diff).toMatch(/-unsaved\n\+mine/);
    expect(editor.text(path)).toBe("typed while asked\n");
    expect(await lastOutput(session)).toMatch(/nothing was written/);
  });

  it("is not asked for after the user has said no", async () => {
    const { session, editor, path } = await open("ask");
    editor.onPermission = () => ({ decision: "deny" });
    await session.run([read(), edit("unsaved", "mine"), "@say ok"].join("\n"), runId());
    expect(editor.asked).toEqual([`read ${path}`, `read ${path}`]);
  });
});

describe("a client that goes", () => {
  it("is asked no more after a cancel, and what it answers then changes nothing", async () => {
    const { session, server, editor } = await open("allow", { files: true });
    editor.instead = () => "silence";
    await session.send(`${read()}\n@say ok`, "r-1");
    const asked = await server.until(() =>
      server.frames.find(({ method }) => method === "readFile"),
    );
    await session.cancel();
    expect(await server.completion("r-1")).toMatchObject({ status: "cancelled" });
    await server.until(() =>
      server.frames.find(
        ({ method, params }) => method === "$/cancelRequest" && params?.id === asked.id,
      ),
    );
    server.send(JSON.stringify({ jsonrpc: "2.0", id: asked.id, result: { missing: true } }));
    expect(await session.run("@say fine", "r-2")).toMatchObject({ text: "fine" });
  });
});

describe("what a run has changed in an editor", () => {
  async function changed() {
    const setting = await open();
    const { session, editor, path } = setting;
    editor.saves = true;
    const made = join(session.path, "made.txt");
    const id = runId();
    const prompt = [read(), edit("unsaved", "edited"), write("made\n", "made.txt"), "@say ok"];
    await session.run(prompt.join("\n"), id);
    expect([editor.text(path), readFileSync(path, "utf8")]).toEqual(["edited\n", "edited\n"]);
    return { ...setting, made, id };
  }

  it("is told, and taken back, as the editor has it and by way of the editor", async () => {
    const { session, server, editor, path, made, id } = await changed();
    const diff = expect.stringContaining("-unsaved\n+edited");
    const { files } = await server.call("sessionChanges", session.ids);
    expect(files).toMatchObject([
      { path: "a.txt", change: "modified", diff },
      { path: "made.txt", change: "created" },
    ]);
    // Somebody types, and saves nothing: the disk is still as the run left it.
    editor.set(path, "typed\n");
    const asked = { ...session.ids, runId: id };
    const told = await server.call("sessionChanges", session.ids);
    expect(told.files[0]).toMatchObject({ diff: expect.stringContaining("+typed") });
    const kept = await server.call("rewindSession", { ...asked, history: false });
    expect(kept.files).toEqual([{ path: "made.txt", change: "removed" }]);
    expect(kept.conflicts).toMatchObject([{ path: "a.txt", reason: "changed" }]);
    expect([editor.text(path), existsSync(made)]).toEqual(["typed\n", false]);
    const forced = await server.call("rewindSession", { ...asked, force: true });
    expect(forced).toMatchObject({ conflicts: [], files: [{ path: "a.txt", change: "restored" }] });
    expect([editor.text(path), readFileSync(path, "utf8")]).toEqual(["unsaved\n", "unsaved\n"]);
    // What was typed was kept, though no disk ever had it.
    const { checkpointId } = forced;
    await server.call("rewindSession", { ...session.ids, checkpointId });
    expect(editor.text(path)).toBe("typed\n");
  });

  it("is taken back by /undo by way of the editor too, and stays where it has moved on", async () => {
    const { session, editor, path } = await changed();
    editor.asked.length = 0;
    await session.run("/undo", runId());
    expect([editor.text(path), readFileSync(path, "utf8")]).toEqual(["unsaved\n", "unsaved\n"]);
    expect(editor.asked).toContain(`write ${path}`);
    const other = await changed();
    other.editor.instead = (asked) =>
      "content" in asked ? { error: { code: 1025, message: "moved on" } } : undefined;
    const done = await other.server.call("rewindSession", {
      ...other.session.ids,
      runId: other.id,
    });
    expect(done.conflicts).toMatchObject([{ path: "a.txt", reason: "changed" }]);
    expect(readFileSync(other.path, "utf8")).toBe("edited\n");
  });

  it("is left alone where the editor gives no answer that can be used", async () => {
    const { session, server, editor, path, id } = await changed();
    editor.instead = ({ path: asked }) =>
      asked === path ? { error: { code: -32000, message: "no such buffer" } } : undefined;
    const done = await server.call("rewindSession", { ...session.ids, runId: id });
    const message = expect.stringContaining("no such buffer");
    expect(done.conflicts).toMatchObject([{ path: "a.txt", reason: "failed", message }]);
    expect(readFileSync(path, "utf8")).toBe("edited\n");
    const { files } = await server.call("sessionChanges", session.ids);
    expect(files).toMatchObject([{ path: "a.txt" }]);
  });
});
