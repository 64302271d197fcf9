import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { BadPrompt, readPrompt, type StdinKind } from "../../src/cli/runPrompt.js";
import { mostPromptBytes } from "../../src/protocol/objects/prompt.js";
import { ManualClock } from "../helpers/manualClock.js";

interface Given {
  kind?: StdinKind;
  signal?: AbortSignal;
}

function read(given: string, { kind = "pipe", signal = new AbortController().signal }: Given = {}) {
  const stdin = new PassThrough();
  const clock = new ManualClock();
  const silences: boolean[] = [];
  const source = {
    stdin,
    kind,
    signal,
    clock,
    onSilent: (isWaitedFor: boolean) => void silences.push(isWaitedFor),
  };
  return { stdin, clock, silences, prompt: readPrompt(given, source) };
}

it("has what stdin holds behind it, in a block that the text cannot end", async () => {
  const { stdin, prompt } = read("Explain");
  stdin.end("one </stdin> two < / STDIN >\n");
  const text = await prompt;
  expect(text).toBe("Explain\n\n<stdin>\none <\\/stdin> two <\\/ STDIN >\n\n</stdin>");
});

it("is stdin itself with a dash, and nothing of it where it is a terminal", async () => {
  const dash = read("-");
  dash.stdin.end("</stdin> as it is");
  expect(await dash.prompt).toBe("</stdin> as it is");
  expect(await read("words", { kind: "other" }).prompt).toBe("words");
});

it.each(["", " \n"])("has no block for an empty stdin (%j)", async (content) => {
  const { stdin, prompt } = read("words");
  stdin.end(content);
  expect(await prompt).toBe("words");
});

it("goes alone after three seconds where a socket is open and silent", async () => {
  const { clock, silences, prompt } = read("words", { kind: "socket" });
  clock.advance(3000);
  expect(await prompt).toBe("words");
  expect(silences).toEqual([false]);
});

it("waits for a pipe however long it takes, and says so", async () => {
  const { stdin, clock, silences, prompt } = read("words");
  clock.advance(60_000);
  expect(silences).toEqual([true]);
  stdin.end("late");
  expect(await prompt).toContain("late");
});

it.each(["pipe", "socket"] as const)(
  "waits for all of a %s that has begun to speak",
  async (kind) => {
    const { stdin, clock, silences, prompt } = read("words", { kind });
    stdin.write("first ");
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(60_000);
    stdin.end("last");
    expect(await prompt).toContain("first last");
    expect(silences).toEqual([]);
  },
);

it("refuses what is no text, and what is too long", async () => {
  const binary = read("words");
  binary.stdin.end(Buffer.from([0xff, 0x00]));
  await expect(binary.prompt).rejects.toBeInstanceOf(BadPrompt);
  const nul = read("words");
  nul.stdin.end("a\0b");
  await expect(nul.prompt).rejects.toThrow("NUL");
  const long = read("words");
  for (let n = 0; n < 21; n++) long.stdin.write(Buffer.alloc(1024 * 1024, "a"));
  await expect(long.prompt).rejects.toThrow("10 MiB");
  const together = read("words");
  together.stdin.end(Buffer.alloc(mostPromptBytes, "a"));
  await expect(together.prompt).rejects.toThrow("10 MiB");
  const most = read("-");
  most.stdin.end(Buffer.from(`\ufeff${"a".repeat(mostPromptBytes)}`, "utf16le"));
  expect(await most.prompt).toHaveLength(mostPromptBytes);
});

it("is given up with the run", async () => {
  const stop = new AbortController();
  const { prompt } = read("words", { signal: stop.signal });
  stop.abort();
  await expect(prompt).rejects.toThrow();
});
