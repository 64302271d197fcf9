import { describe, expect, it } from "vitest";
import { mappedStream, type PieceMap } from "../../src/models/mappedStream.js";

/** A source that counts how often it was asked, and keeps why it was cancelled. */
function countedSource(pieces: readonly number[]) {
  const seen: { asked: number; cancelled: unknown } = { asked: 0, cancelled: undefined };
  const left = [...pieces];
  const source = new ReadableStream<number>(
    {
      pull(controller) {
        seen.asked++;
        const piece = left.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
      cancel(reason) {
        seen.cancelled = reason;
      },
    },
    { highWaterMark: 0 },
  );
  return { source, seen };
}

async function all<T>(stream: ReadableStream<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const piece of stream) found.push(piece);
  return found;
}

/** Each piece as often as its number says. */
const repeated: PieceMap<number, string> = {
  next: (piece) => Array.from({ length: piece }, () => String(piece)),
  end: () => ["end"],
};

describe("a mapped stream", () => {
  it("gives what each piece becomes, in order: nothing, one or several, and what follows the last", async () => {
    const { source } = countedSource([2, 0, 0, 1, 3]);
    expect(await all(mappedStream(source, repeated))).toEqual([
      ...["2", "2", "1", "3", "3", "3"],
      "end",
    ]);
  });

  it("reads no piece before somebody waits for one", async () => {
    const { source, seen } = countedSource([1, 1, 1]);
    const reader = mappedStream(source, repeated).getReader();
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(seen.asked).toBe(0);
    expect((await reader.read()).value).toBe("1");
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(seen.asked).toBe(1);
    await reader.cancel();
  });

  it("ends with the error of its map, and cancels the source with it", async () => {
    const { source, seen } = countedSource([1, 2, 3]);
    const bad = new Error("a bad piece");
    const stream = mappedStream<number, number>(source, {
      *next(piece) {
        if (piece === 2) throw bad;
        yield piece;
      },
    });
    const reader = stream.getReader();
    expect((await reader.read()).value).toBe(1);
    await expect(reader.read()).rejects.toBe(bad);
    expect(seen.cancelled).toBe(bad);
  });

  it("ends with the error of its source", async () => {
    const broken = new Error("the connection broke");
    let isFirst = true;
    const source = new ReadableStream<number>({
      pull(controller) {
        if (!isFirst) throw broken;
        isFirst = false;
        controller.enqueue(1);
      },
    });
    const reader = mappedStream(source, repeated).getReader();
    expect((await reader.read()).value).toBe("1");
    await expect(reader.read()).rejects.toBe(broken);
  });

  it("cancels a source that has fallen silent, and gives nothing more", async () => {
    let cancelled: unknown;
    const source = new ReadableStream<number>({
      cancel(reason) {
        cancelled = reason;
      },
    });
    const reader = mappedStream(source, repeated).getReader();
    const waiting = reader.read();
    await reader.cancel("enough");
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(cancelled).toBe("enough");
  });
});
