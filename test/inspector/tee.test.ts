// `turnwire inspect -- COMMAND…`: whoever stands at either end must not notice that it is there.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { onWindows, unless } from "../helpers/unless.js";
import { recordingIn, startTee, teeBefore } from "./teeChild.js";

let folder: string;
beforeAll(() => {
  expect(inject("buildError")).toBe("");
  folder = mkdtempSync(join(tmpdir(), "turnwire-tee-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fileOf = (name: string) => join(folder, `${name}.jsonl`);
const frame = (message: object) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;
const headed = (message: object) => {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  return `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
};

describe("what goes through", () => {
  it.concurrent("is every byte, whatever it is, in both directions", async () => {
    const bytes = randomBytes(3_000_001);
    const tee = teeBefore(["--record", fileOf("bytes")], "echo");
    tee.child.stdin.end(bytes);
    expect(await tee.ended).toEqual({ code: 0, signal: null });
    expect(tee.stdout().equals(bytes)).toBe(true);
    expect(tee.stderr()).toBe("ready\n");
  });

  it.concurrent("goes at once, also a part of a message", async () => {
    const tee = teeBefore([], "echo");
    tee.child.stdin.write('{"jsonrpc":');
    await tee.said('{"jsonrpc":');
    tee.child.stdin.end('"2.0"');
    await tee.ended;
    expect(tee.stdout().toString()).toBe('{"jsonrpc":"2.0"');
  });
});

describe("the end", () => {
  it.concurrent.each([0, 1, 42])("has the server's exit code %i", async (code) => {
    const tee = teeBefore([], "exit", String(code));
    expect(await tee.ended).toEqual({ code, signal: null });
  });

  it.concurrent("does not come while a server lives that reads no more", async () => {
    const tee = teeBefore([], "deaf", "400");
    await tee.said("deaf");
    tee.child.stdin.write("x".repeat(1024 * 1024));
    expect(await tee.ended).toEqual({ code: 3, signal: null });
  });
});

unless(
  describe,
  onWindows,
  "signals and `cat` are not there",
)("the end on POSIX", () => {
  it.concurrent.each(["SIGKILL", "SIGTERM", "SIGABRT"])(
    "has the signal that ended the server: %s",
    async (signal) => {
      const tee = teeBefore(["--record", fileOf(signal)], "kill", signal);
      expect(await tee.ended).toEqual({ code: null, signal });
      expect(recordingIn(fileOf(signal)).entries.at(-1)).toMatchObject({ kind: "end", signal });
    },
  );

  it.concurrent("comes with the client's: the server's input ends", async () => {
    const tee = teeBefore([], "echo");
    await once(tee.child.stderr, "data");
    tee.child.stdin.end();
    expect(await tee.ended).toEqual({ code: 0, signal: null });
  });

  it.concurrent("is heard by a server whose client reads no more", async () => {
    const tee = teeBefore([], "flood", String(1024 * 1024 * 1024));
    await once(tee.child.stdout, "data");
    tee.child.stdout.destroy();
    expect(await tee.ended).toEqual({ code: 9, signal: null });
  });

  it.concurrent("waits for no other program that holds the pipes", async () => {
    const tee = teeBefore([], "holder");
    expect(await tee.ended).toEqual({ code: 0, signal: null });
    expect(tee.stdout().toString()).toBe("gone\n");
  });

  it.concurrent("passes signals on, and the server decides", async () => {
    const tee = teeBefore([], "signals");
    await tee.said("ready");
    for (const signal of ["SIGINT", "SIGHUP", "SIGUSR2", "SIGTERM"] as const) {
      tee.child.kill(signal);
      await tee.said(signal);
    }
    expect(await tee.ended).toEqual({ code: 7, signal: null });
  });

  it.concurrent("is that of a shell for a program that is not there, or cannot run", async () => {
    const missing = startTee([], ["/nonexistent/server"]);
    expect((await missing.ended).code).toBe(127);
    expect(missing.stderr()).toBe("turnwire inspect: there is no program /nonexistent/server\n");
    const data = join(folder, "no-program");
    writeFileSync(data, "x");
    const unfit = startTee([], [data]);
    expect((await unfit.ended).code).toBe(126);
  });
});

describe("the recording", () => {
  it.concurrent.each([
    ["ndjson", frame],
    ["header", headed],
  ] as const)("has the messages of both sides in %s", async (name, write) => {
    const tee = teeBefore(["--record", fileOf(name)], "echo");
    tee.child.stdin.end(
      write({ id: 1, method: "textDocument/hover", params: { text: "é" } }) +
        write({ method: "note" }),
    );
    await tee.ended;
    const { header, entries } = recordingIn(fileOf(name));
    expect(header).toMatchObject({ recording: "turnwire", version: 1, hidden: false });
    expect(entries[0]).toMatchObject({ kind: "start", pid: expect.any(Number) });
    const from = (side: string) =>
      entries.flatMap((entry) =>
        entry.kind === "message" && entry.from === side ? [entry.message] : [],
      );
    const sent = [
      { jsonrpc: "2.0", id: 1, method: "textDocument/hover", params: { text: "é" } },
      { jsonrpc: "2.0", method: "note" },
    ];
    expect(from("client")).toEqual(sent);
    expect(from("server")).toEqual(sent);
    expect(entries).toContainEqual(expect.objectContaining({ kind: "stderr", text: "ready" }));
    expect(entries.at(-1)).toMatchObject({ kind: "end", code: 0 });
    if (process.platform !== "win32") expect(statSync(fileOf(name)).mode & 0o777).toBe(0o600);
  });

  it.concurrent("holds no secret, whichever way it took", async () => {
    const secret = "hunter2-hunter2-hunter2";
    const learnt = "learnt-from-the-wire-1";
    const file = fileOf("secrets");
    const tee = startTee(["--record", file], ["cat"], { MY_API_KEY: secret });
    tee.child.stdin.end(
      frame({
        id: 1,
        method: "x",
        params: { env: { THEIR_TOKEN: learnt }, text: `a ${secret} b` },
      }) +
        frame({ id: 2, method: "x", params: { headers: { Authorization: `Bearer ${secret}` } } }) +
        frame({ method: "x", params: { output: `said ${learnt}` } }) +
        `no JSON, but ${secret}\n`,
    );
    await tee.ended;
    const text = readFileSync(file, "utf8");
    expect(text).not.toContain(secret);
    expect(text).not.toContain(learnt);
    // The pipe itself is unchanged.
    expect(tee.stdout().toString().split(secret).length).toBe(4);
  });

  it.concurrent("can be what LSP Inspector reads", async () => {
    const file = fileOf("lsp");
    const tee = teeBefore(["--record", file, "--format", "lsp"], "echo");
    tee.child.stdin.end(frame({ id: 1, method: "m" }));
    await tee.ended;
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual(
      ["send-request", "receive-request"].map((type) => ({
        isLSPMessage: true,
        type,
        message: { jsonrpc: "2.0", id: 1, method: "m" },
        timestamp: expect.any(Number),
      })),
    );
  });

  it.concurrent("leaves contents out where that is asked for", async () => {
    const file = fileOf("hidden");
    const tee = teeBefore(["--record", file, "--hide-contents"], "echo");
    tee.child.stdin.end(
      frame({ id: 1, method: "sendMessage", params: { sessionId: "ses_1", prompt: "my idea" } }),
    );
    await tee.ended;
    const text = readFileSync(file, "utf8");
    expect(text).not.toContain("my idea");
    expect(text).toContain('"sessionId":"ses_1"');
    expect(text).toContain('"prompt":"[hidden: 7 characters]"');
  });

  it.concurrent("that cannot be written is no reason to stop", async () => {
    const tee = teeBefore(["--record", join(folder, "nowhere", "file")], "echo");
    tee.child.stdin.end("{}\n");
    expect(await tee.ended).toEqual({ code: 0, signal: null });
    expect(tee.stdout().toString()).toBe("{}\n");
    expect(tee.stderr()).toContain("turnwire inspect: nothing is recorded: ENOENT");
  });

  it.concurrent("marks what the protocol does not allow", async () => {
    const file = fileOf("invalid");
    const tee = startTee(["--record", file], ["cat"]);
    tee.child.stdin.end(
      frame({ id: 1, method: "createWorkspace", params: { path: 3 } }) +
        frame({ id: 2, method: "noSuchMethod" }) +
        '{"id":3}\n' +
        "not JSON\n",
    );
    await tee.ended;
    const { entries } = recordingIn(file);
    const reasons = entries.flatMap((entry) =>
      "invalid" in entry && entry.from === "client" ? [entry.invalid] : [],
    );
    expect(reasons).toEqual([
      expect.stringMatching(/^protocol\.md: params\.path: /),
      "protocol.md: the client has no request noSuchMethod",
      "JSON-RPC: `method` is missing",
      "JSON: it cannot be parsed",
    ]);
  });
});
