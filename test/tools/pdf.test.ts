import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { WorkProcesses } from "../../src/process/workProcesses.js";
import { ToolFailure } from "../../src/tools/failure.js";
import { pdfLines } from "../../src/tools/files/pdf.js";
import { longestHold, onThisMachine } from "../helpers/longestHold.js";
import { ManualClock } from "../helpers/manualClock.js";
import { type Bomb, bomb, longArrayPdf, onePage, pdf, stored } from "../helpers/pdfFile.js";

const content = (text: string) => stored(4, Buffer.from(text));

function zeros(megabytes: number): Bomb {
  return { begin: "", repeated: Buffer.alloc(1024 * 1024), times: megabytes };
}

function fontBomb(): Buffer {
  const font =
    "5 0 obj\n<< /Type /Font /Subtype /TrueType /BaseFont /F /FontDescriptor 6 0 R >>\nendobj\n";
  const descriptor =
    "6 0 obj\n<< /Type /FontDescriptor /FontName /F /Flags 4 /FontFile2 7 0 R >>\nendobj\n";
  return onePage(content("BT /F 9 Tf (x) Tj ET"), "/Font << /F 5 0 R >>", [
    Buffer.from(font + descriptor),
    bomb(7, "/Length1 1000", zeros(2_000)),
  ]);
}

function hugeImage(): Buffer {
  const image =
    "/Type /XObject /Subtype /Image /Width 30000 /Height 30000 /BitsPerComponent 8 /ColorSpace /DeviceRGB";
  return onePage(content("/Im Do BT (x) Tj ET"), "/XObject << /Im 5 0 R >>", [
    bomb(5, image, zeros(2_700)),
  ]);
}

const manyLines = "T* (x) Tj ".repeat(200_000);

describe("a hostile PDF", () => {
  it.each([
    ["a font that is a bomb of 2 GB", "time or memory", fontBomb()],
    ["an image of 2.7 GB", undefined, hugeImage()],
    ["an array without an end", "time or memory", longArrayPdf()],
    ["very many lines", undefined, Buffer.from(pdf([`x) Tj 9 TL ${manyLines}(x`]))],
    [
      "a false count of pages",
      undefined,
      Buffer.from(pdf([]).replace("/Count 0", "/Count 99999999")),
    ],
  ])("of %s takes a bounded memory, and does not hold the loop", async (_, expected, data) => {
    const { signal } = new AbortController();
    const work = new WorkProcesses(systemClock);
    const before = process.memoryUsage().rss;
    let most = 0;
    const looking = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss - before);
    }, 5);
    let failure: unknown;
    const held = await longestHold(() =>
      pdfLines(data, work, signal).catch((error: unknown) => {
        failure = error;
      }),
    );
    clearInterval(looking);
    if (failure !== undefined) expect(failure).toBeInstanceOf(ToolFailure);
    if (expected !== undefined) expect(String(failure)).toContain(expected);
    expect(most).toBeLessThan(1.2e9);
    expect(held).toBeLessThan(onThisMachine(50, 4));
  });
});

describe("the text of a PDF", () => {
  it("that takes too long is given up with a sentence", async () => {
    const clock = new ManualClock();
    const { signal } = new AbortController();
    const limits = { limitMs: 1000, limitMb: 512 };
    const lines = pdfLines(Buffer.from(pdf(["Hi"])), new WorkProcesses(clock), signal, limits);
    const ended = expect(lines).rejects.toThrow("takes too much time or memory");
    await setImmediate();
    clock.advance(limits.limitMs);
    await ended;
  });
});
