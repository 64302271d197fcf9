import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Entry } from "../../src/inspector/entries.js";
import { hideContents } from "../../src/inspector/hiddenContents.js";
import { fromLspItem, fromLspLine, toLspLine } from "../../src/inspector/lspFormat.js";
import { MessageCheck } from "../../src/inspector/messageCheck.js";
import { PipeRecorder } from "../../src/inspector/pipeRecorder.js";
import { readRecording } from "../../src/inspector/recordingReader.js";
import { Redaction } from "../../src/inspector/redaction.js";
import { Ledger } from "../../src/inspector/view/ledger.js";
import { Runs } from "../../src/inspector/view/runs.js";
import { Traffic } from "../../src/inspector/view/traffic.js";

function recorder() {
  const entries: Entry[] = [];
  const recording = new PipeRecorder({
    redaction: new Redaction(),
    check: new MessageCheck(),
    hidesContents: false,
    onEntry: (entry) => entries.push(entry),
  });
  const send = (from: "client" | "server", text: string) =>
    recording.push(from, Buffer.from(text), 5);
  return { recording, entries, send };
}

const line = (message: object) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;
const frame = (message: object) => {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  return `Content-Length: ${body.length}\r\n\r\n${body}`;
};

it.each([
  ["ndjson", line],
  ["header", frame],
] as const)("goes on with the next message after bytes it has not seen: %s", (_name, write) => {
  const { recording, entries, send } = recorder();
  const cut = write({ method: "cut", params: { text: "x".repeat(500) } });
  send("client", write({ method: "first" }) + cut.slice(0, 60));
  recording.skip("client", 400, 6);
  send("client", cut.slice(460) + write({ method: "second" }));
  expect(entries).toMatchObject([
    {
      kind: "message",
      message: { method: "first" },
      bytes: JSON.stringify({ jsonrpc: "2.0", method: "first" }).length,
    },
    { kind: "gap", bytes: 400 },
    { kind: "message", message: { method: "second" } },
  ]);
});

it("takes a batch for its messages, and says what is wrong with one of them", () => {
  const { entries, send } = recorder();
  send("client", '[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"1.0","method":"b"},[]]\n[]\n');
  expect(entries.map((entry) => "invalid" in entry && entry.invalid)).toEqual([
    false,
    'JSON-RPC: `jsonrpc` must be "2.0"',
    "JSON-RPC: a request is an object",
    "JSON-RPC: a request is an object",
  ]);
});

it("knows an answer that nobody has asked for, with ids of both kinds", () => {
  const { entries, send } = recorder();
  send("client", line({ id: 1, method: "a" }));
  send(
    "server",
    line({ id: "1", result: 1 }) + line({ id: 1, result: 1 }) + line({ id: 1, result: 1 }),
  );
  const none = "JSON-RPC: an answer to no open request of this recording";
  expect(entries.map((entry) => ("invalid" in entry ? entry.invalid : "ok"))).toEqual([
    "ok",
    none,
    "ok",
    none,
  ]);
});

it("tells an unfinished message at the end", () => {
  const { recording, entries, send } = recorder();
  send("server", "Content-Length: 10\r\n\r\n{");
  recording.end(9);
  expect(entries).toMatchObject([{ kind: "broken", invalid: "the input ended inside a message" }]);
});

it("takes whatever comes, in whatever pieces, and gives entries that can be written", () => {
  const piece = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.json({ maxDepth: 4 }).map((text) => `${text}\n`),
    fc.json().map((text) => `Content-Length: ${text.length}\r\n\r\n${text}`),
    fc.constantFrom("\0", "Content-Length: 99999999999\r\n\r\n", "{", '{"jsonrpc":"2.0"', "\r\n"),
  );
  // JSON has a -0, which is written as 0.
  const text = piece.map((given) => given.replaceAll("-0", "0"));
  const input = fc.array(fc.tuple(fc.constantFrom("client" as const, "server" as const), text));
  fc.assert(
    fc.property(input, (pieces) => {
      const { recording, entries } = recorder();
      for (const [from, text] of pieces) recording.push(from, Buffer.from(text), 1);
      recording.pushStderr(Buffer.from(pieces.map(([, text]) => text).join("")), 1);
      recording.end(2);
      const traffic = new Traffic();
      const ledger = new Ledger();
      const runs = new Runs();
      for (const entry of entries) {
        traffic.add(entry);
        ledger.add(entry);
        runs.add(entry);
      }
      expect(JSON.parse(JSON.stringify(entries))).toEqual(entries);
    }),
    { numRuns: 300 },
  );
});

it("takes JSON that is nested as deep as anybody likes", () => {
  const { entries, send } = recorder();
  send(
    "client",
    `{"jsonrpc":"2.0","method":"x","params":${"[".repeat(50_000)}${"]".repeat(50_000)}}\n`,
  );
  expect(entries).toHaveLength(1);
  expect(JSON.stringify(entries).length).toBeLessThan(2000);
});

it("hides what was written, and keeps what a message is", () => {
  const message = {
    jsonrpc: "2.0",
    id: 7,
    method: "runComplete",
    params: {
      completionId: "cmp_1",
      status: "succeeded",
      text: "the answer",
      usage: { promptTokens: 3 },
      at: "2026-01-02T03:04:05.678Z",
      name: "a name with blanks",
      input: { id: "path/of/mine", type: "x" },
      "a sentence as a key": 1,
    },
  };
  expect(hideContents(message)).toEqual({
    jsonrpc: "2.0",
    id: 7,
    method: "runComplete",
    params: {
      completionId: "cmp_1",
      status: "succeeded",
      text: "[hidden: 10 characters]",
      usage: { promptTokens: 3 },
      at: "2026-01-02T03:04:05.678Z",
      name: "[hidden: 18 characters]",
      input: "[hidden]",
      "[hidden]": 1,
    },
  });
});

it("reads what it writes for LSP Inspector, and what others write", () => {
  const entry: Entry = {
    kind: "message",
    at: 1534721620392,
    from: "server",
    bytes: 36,
    message: { jsonrpc: "2.0", id: 0, result: null },
  };
  const written = toLspLine(entry) ?? "";
  expect(JSON.parse(written)).toMatchObject({ isLSPMessage: true, type: "receive-response" });
  expect(fromLspLine(written)).toEqual({ ...entry, bytes: 38 });
  expect(fromLspLine(`[Trace - 16:11:00 AM] ${written}`)).toMatchObject({ from: "server" });
  expect(
    fromLspItem({ type: "recv-request", message: {}, timestamp: "2026-01-01T00:00:00Z" }),
  ).toMatchObject({ from: "server", at: Date.parse("2026-01-01T00:00:00Z") });
  expect(fromLspLine("{}")).toBeUndefined();
  expect(fromLspLine("[Trace - 1] Sending request 'a - (1)'.")).toBeUndefined();
  expect(toLspLine({ kind: "stderr", at: 1, text: "x" })).toBeUndefined();
});

const depth = 100_000;
const deepList = "[".repeat(depth) + "]".repeat(depth);
const deepObject = `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
it.each([
  ["params", `{"jsonrpc":"2.0","id":1,"method":"m","params":${deepObject}}`],
  ["a result", `{"jsonrpc":"2.0","id":1,"result":${deepList}}`],
  ["an id", `{"jsonrpc":"2.0","id":${deepList},"method":"m"}`],
  [
    "a delta",
    `{"jsonrpc":"2.0","method":"messageDelta","params":{"delta":"x","kind":${deepList}}}`,
  ],
  ["nothing else", deepList],
])("goes on after a message that is nested without end: %s", (_name, text) => {
  const { recording, entries, send } = recorder();
  send("server", `${text}\n`);
  send("server", line({ method: "next" }));
  recording.end(7);
  expect(entries).toMatchObject([
    { kind: "message", bytes: text.length },
    { kind: "message", message: { method: "next" } },
  ]);
  expect(JSON.stringify(entries)).toContain("nested too deep");
});

it("opens a recording with a line that is nested without end", async () => {
  const folder = mkdtempSync(join(tmpdir(), "turnwire-deep-"));
  try {
    const path = join(folder, "deep.jsonl");
    const right = toLspLine({ kind: "message", at: 1, from: "client", bytes: 2, message: {} });
    const deep = `{"isLSPMessage":true,"type":"send-request","message":{"params":${deepList}},"timestamp":1}`;
    writeFileSync(path, `${deep}\n[Trace - 10:00:00] ${deep}\n${right}\n`);
    const entries: Entry[] = [];
    const found = await readRecording(path, {
      redaction: new Redaction(),
      hidesContents: false,
      onEntry: (entry) => entries.push(entry),
    });
    expect(found).toEqual({ entries: 3, unread: 0, hidden: false });
    expect(JSON.stringify(entries).match(/nested too deep/g)).toHaveLength(2);
    expect(entries[2]).toMatchObject({ message: {} });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
