import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { LogSink } from "../../src/transport/logSink.js";

/** A stderr that is read only when told to. */
function unreadStream() {
  const read: string[] = [];
  const waiting: (() => void)[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      read.push(String(chunk));
      waiting.push(done);
    },
  });
  return { stream, read, readOne: () => waiting.shift()?.() };
}

async function readAll({ readOne, read }: ReturnType<typeof unreadStream>) {
  for (let before = -1; before !== read.length; ) {
    before = read.length;
    readOne();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("the log sink", () => {
  it("passes lines through, strings and bytes", async () => {
    const stderr = unreadStream();
    const sink = new LogSink(stderr.stream);
    sink.write("one\n");
    sink.write(Buffer.from("two\n"));
    await readAll(stderr);
    expect(stderr.read).toEqual(["one\n", "two\n"]);
    expect(sink.droppedLines).toBe(0);
  });

  it("drops and counts what does not fit, and tells how many when there is room", async () => {
    const stderr = unreadStream();
    const sink = new LogSink(stderr.stream, {
      maxBytes: 100,
      formatDropped: (count) => `${count} dropped\n`,
    });
    const line = `${"x".repeat(29)}\n`;
    for (let n = 0; n < 10; n++) sink.write(line);
    expect(sink.droppedLines).toBe(7);
    await readAll(stderr);
    sink.write("after\n");
    await readAll(stderr);
    expect(stderr.read).toEqual([line, line, line, "7 dropped\n", "after\n"]);
  });

  it("counts bytes, not characters", () => {
    const sink = new LogSink(unreadStream().stream, { maxBytes: 10 });
    sink.write("€€€");
    sink.write("€");
    expect(sink.droppedLines).toBe(1);
  });

  it("holds one mebibyte unless told", () => {
    const { stream } = unreadStream();
    const sink = new LogSink(stream);
    for (let n = 0; n < 2_000; n++) sink.write("x".repeat(1024));
    expect(sink.droppedLines).toBe(2_000 - 1024);
    expect(stream.writableLength).toBe(1024 * 1024);
  });

  it("is flushed when all was read, or when it never will be", async () => {
    const stderr = unreadStream();
    const sink = new LogSink(stderr.stream);
    await sink.flushed();
    sink.write("one\n");
    let isFlushed = false;
    const flushed = sink.flushed().then(() => {
      isFlushed = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isFlushed).toBe(false);
    await readAll(stderr);
    await flushed;
    sink.write("two\n");
    const broken = sink.flushed();
    stderr.stream.destroy();
    await broken;
  });

  it("survives a stderr that fails, and counts what is lost", async () => {
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
    const sink = new LogSink(stream);
    sink.write("one\n");
    await new Promise((resolve) => setImmediate(resolve));
    sink.write("two\n");
    await sink.flushed();
    expect(sink.droppedLines).toBe(1);
  });
});
