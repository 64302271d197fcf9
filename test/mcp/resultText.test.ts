import { expect, test } from "vitest";
import { resultText } from "../../src/mcp/resultText.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { onThisMachine } from "../helpers/longestHold.js";

test("nothing at all is said to be nothing", () => {
  expect(resultText({ content: [] })).toEqual({ output: "(no content)" });
});

test("content of a kind that is not known is noted, and the rest is kept", () => {
  const content = [{ type: "hologram", data: "x" }, "?", { type: "text", text: "words" }];
  expect(resultText({ content }).output).toBe(
    "[content of a kind that is not known here]\n[content of a kind that is not known here]\nwords",
  );
});

test("bytes in a resource, and sound, are noted with their size", () => {
  const content = [
    { type: "audio", data: "aGVsbG8=", mimeType: "audio/wav" },
    { type: "resource", resource: { uri: "file:///a.bin", blob: "aGVsbG8=" } },
  ];
  expect(resultText({ content }).output).toBe(
    [
      "[audio (audio/wav, 5 bytes), which cannot be shown]",
      "[resource: file:///a.bin (binary, 5 bytes), which cannot be shown]",
    ].join("\n"),
  );
});

test("structured content is shown where no text says the same", () => {
  const image = { type: "image", data: "", mimeType: "image/png" };
  const text = { type: "text", text: "42" };
  const structuredContent = { answer: 42 };
  const written = JSON.stringify(structuredContent, null, 2);
  expect(resultText({ content: [image], structuredContent }).output).toContain(written);
  expect(resultText({ content: [text], structuredContent }).output).toBe("42");
});

test("structured content that is nested without end is named, and no failure", () => {
  const structuredContent: unknown = JSON.parse("[".repeat(6_000) + "]".repeat(6_000));
  expect(resultText({ content: [], structuredContent }).output).toContain("200 levels deep");
});

const png = "iVBORw0KGgo=";

test("an image goes along whose bytes are what its type says; a note stands for every other", () => {
  const image = (data: string, mimeType: string) => ({ type: "image", data, mimeType });
  const blob = { uri: "file:///a.png", mimeType: "image/png", blob: png };
  const content = [
    image(png, "image/png"),
    image(png, "image/jpeg"),
    image("", "image/png"),
    image("!!", "image/png"),
    image(png, "image/svg+xml"),
    { type: "resource", resource: blob },
  ];
  const { output, images } = resultText({ content });
  const data = Buffer.from(png, "base64");
  expect(images).toEqual([
    { name: "image 1", mimeType: "image/png", data },
    { name: "image 2", mimeType: "image/png", data },
  ]);
  expect(output.split("\n").map((line) => line.includes("which cannot be shown"))).toEqual([
    ...[false, true, true, true, true, false],
  ]);
  expect(output).toContain("[image 2: resource: file:///a.png (image/png, 8 bytes)]");
});

test("a result of a million blocks is looked at in part, and soon", async () => {
  const content = Array.from({ length: 1_000_000 }, () => ({}));
  expect(resultText({ content }).output).toContain("[999,000 more blocks are left out]");
  expect(await cpuTimeOf(() => resultText({ content }))).toBeLessThan(onThisMachine(500));
});

test("an image where none can go along is a note", () => {
  const content = [{ type: "image", data: png, mimeType: "image/png" }];
  expect(resultText({ content }, false)).toEqual({
    output: "[image (image/png, 8 bytes), which cannot be shown]",
  });
});
