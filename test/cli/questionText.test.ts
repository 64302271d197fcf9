import { describe, expect, it } from "vitest";
import { questionLines } from "../../src/cli/questionText.js";
import { requestPermission } from "../../src/protocol/methods/requestPermission.js";
import type { PermissionQuestion } from "../../src/protocol/registry.js";

const { cwd: _, ...example } = requestPermission.example.params as PermissionQuestion;
const lines = (more: Partial<PermissionQuestion>) => questionLines({ ...example, ...more });

describe("what is shown of a question", () => {
  it("is the whole command, however long, and the folder", () => {
    const command = `echo safe${" ".repeat(200)}; touch X ${"y".repeat(5_000)} end`;
    expect(lines({ input: { command }, cwd: "/w/a\u202e" })).toEqual([
      "Folder: /w/a\\u{202E}",
      `bash: Run: echo safe␠×200; touch X ${"y".repeat(5_000)} end`,
    ]);
  });

  it("is a block where a command has several lines", () => {
    expect(lines({ input: { command: "ls\ntouch X", timeoutSeconds: 5 } })).toEqual([
      "bash: Run these 2 lines:",
      "  │ ls⏎",
      "  │ touch X",
      '  │ with {"timeoutSeconds":5}',
    ]);
  });

  it("is never the words that the model has for it", () => {
    const input = { command: "rm -rf x", description: "list files" };
    expect(lines({ input, description: "Run: ls" })).toEqual(["bash: Run: rm -rf x"]);
  });

  it("is the diff of an edit and the file", () => {
    const diff = "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\u001b[1A\n";
    const more = { tool: "edit", description: "Edit f", path: "/w/f", input: {}, diff };
    expect(lines(more)).toEqual([
      "Path: /w/f",
      "edit: Edit f",
      ...["--- a/f", "+++ b/f", "@@ -1 +1 @@", "-a", "+b␛[1A"].map((line) => `  │ ${line}`),
    ]);
  });

  it("is all of the input too where the diff is cut", () => {
    const input = { path: "f", content: "one\ntwo" };
    const more = {
      tool: "write",
      description: "Write f",
      input,
      diff: "-a\n",
      diffTruncated: true,
    };
    expect(lines(more).slice(1)).toEqual(
      [
        "-a",
        "The diff goes on; this is all of the input:",
        "path: f",
        "content:",
        "one⏎",
        "two",
      ].map((line) => `  │ ${line}`),
    );
  });

  it("is every field of another tool's input", () => {
    const input = { a: "x\ny", b: { c: [1] }, "d\u001b": null };
    const more = { tool: "mcp__s__t\n", description: "Use\n\u202et", input };
    expect(lines(more)).toEqual([
      "mcp__s__t⏎: Use⏎\\u{202E}t",
      ...["a:", "x⏎", "y", "b:", "{", '··"c": [', "····1", "··]", "}", "d␛: null"].map(
        (line) => `  │ ${line.replaceAll("·", " ")}`,
      ),
    ]);
  });
});
