import type { FileHandle } from "node:fs/promises";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OutputCollector } from "../../src/process/outputCollector.js";

const opened: FileHandle[] = [];

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const open: typeof real.open = async (...args) => {
    const handle = await real.open(...args);
    opened.push(handle);
    return handle;
  };
  return { ...real, open };
});

let folder: string;
let streamed: string;
let collector: OutputCollector;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "turnwire-output-"));
  streamed = "";
  collector = new OutputCollector({
    file: join(folder, "outputs", "one.txt"),
    onOutput: (delta) => {
      streamed += delta;
    },
  });
});

afterEach(async () => {
  for (const handle of opened.splice(0)) if (handle.fd >= 0) await handle.close();
  await rm(folder, { recursive: true, force: true });
});

/** Whether every file that was opened is closed; a closed handle has no descriptor. */
const areClosed = () => opened.every(({ fd }) => fd === -1);

describe("the output of a command", () => {
  it("that does not fit is whole in its file, which is closed at the end", async () => {
    const line = `${"x".repeat(999)}\n`;
    for (let n = 0; n < 40; n++) await collector.add(Buffer.from(line));
    expect(areClosed()).toBe(false);
    await collector.close();
    expect(opened).toHaveLength(1);
    expect(areClosed()).toBe(true);
    expect(await readFile(join(folder, "outputs", "one.txt"), "utf8")).toBe(line.repeat(40));
  });

  it("that fits opens no file", async () => {
    await collector.add(Buffer.from("short"));
    await collector.close();
    expect(opened).toEqual([]);
    expect(collector.text()).toBe("short");
    expect(streamed).toBe("short");
  });

  it("that the disk takes no more of is closed all the same", async () => {
    await collector.add(Buffer.alloc(40_000, "x"));
    const [handle] = opened;
    if (handle === undefined) throw new Error("no file was opened");
    vi.spyOn(handle, "appendFile").mockRejectedValueOnce(new Error("ENOSPC"));
    await expect(collector.add(Buffer.from("more"))).rejects.toThrow("ENOSPC");
    await collector.close();
    expect(areClosed()).toBe(true);
  });
});
