import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { WorkerThreads } from "../../src/process/workerThreads.js";
import { pdfLines } from "../../src/tools/files/pdf.js";
import { ManualClock } from "../helpers/manualClock.js";
import { pdf } from "../helpers/pdfFile.js";

describe("the text of a PDF", () => {
  it("that takes too long is given up with a sentence", async () => {
    const clock = new ManualClock();
    const { signal } = new AbortController();
    const limits = { limitMs: 1000, limitMb: 512 };
    const lines = pdfLines(Buffer.from(pdf(["Hi"])), new WorkerThreads(clock), signal, limits);
    const ended = expect(lines).rejects.toThrow("takes too much time or memory");
    await setImmediate();
    clock.advance(limits.limitMs);
    await ended;
  });
});
