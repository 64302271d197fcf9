import { execFileSync } from "node:child_process";
import { mkdir, open, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { pdf } from "../helpers/pdfFile.js";
import { onWindows, unless } from "../helpers/unless.js";
import { openWorkbench, refused } from "./workbench.js";

describe("read", () => {
  test("lines come numbered, without their ends and the byte order mark", async () => {
    const bench = await openWorkbench();
    await bench.write("a.txt", "\uFEFFone\r\ntwo\nthree");
    const { output } = await bench.run("read", { path: "a.txt" });
    expect(output).toBe("     1\tone\n     2\ttwo\n     3\tthree");
  });

  test("a range says where to go on", async () => {
    const bench = await openWorkbench();
    await bench.write("a.txt", Array.from({ length: 50 }, (_, i) => `line ${i + 1}\n`).join(""));
    const { output } = await bench.run("read", { path: "a.txt", offset: 10, limit: 2 });
    expect(output).toBe(
      "    10\tline 10\n    11\tline 11\n\n[Lines 10 to 11; there are more: go on with offset 12.]",
    );
    const last = await bench.run("read", { path: "a.txt", offset: 50, limit: 1 });
    expect(last.output).toBe("    50\tline 50");
  });

  test("an offset past the end names the field and the length", async () => {
    const bench = await openWorkbench();
    await bench.write("a.txt", "one\ntwo\n");
    const result = await bench.run("read", { path: "a.txt", offset: 9 });
    expect(result).toEqual({
      output: "`offset` 9 is past the end: the file has 2 lines.",
      isError: true,
    });
  });

  test("lines before the wanted one are counted across the pieces in which a file is read", async () => {
    const bench = await openWorkbench();
    const lines = Array.from({ length: 4_000 }, (_, n) => `${n + 1}${"x".repeat(n % 97)}`);
    // A line in the middle is longer than a piece.
    lines[1_000] = "y".repeat(200_000);
    await bench.write("a.txt", lines.join("\n"));
    const { output } = await bench.run("read", { path: "a.txt", offset: 3_999 });
    expect(output).toBe(`  3999\t${lines[3_998]}\n  4000\t${lines[3_999]}`);
    const past = await bench.run("read", { path: "a.txt", offset: 4_001 });
    expect(past.output).toContain("the file has 4000 lines");
  });

  test("an empty file is told as empty", async () => {
    const bench = await openWorkbench();
    await bench.write("a.txt", "");
    expect((await bench.run("read", { path: "a.txt" })).output).toBe("(The file is empty.)");
  });

  test("a long line is cut with a note, between characters", async () => {
    const bench = await openWorkbench();
    await bench.write("a.txt", `${"é".repeat(5000)}\nnext\n`);
    const { output } = await bench.run("read", { path: "a.txt" });
    expect(output).toContain("[… 8,000 more bytes in this line]");
    expect(output).not.toContain("\uFFFD");
    expect(output).toContain("     2\tnext");
  });

  test("only the wanted part of a huge file is read", async () => {
    const bench = await openWorkbench();
    const path = await bench.write("huge.txt", "first\n".repeat(5_000));
    const handle = await open(path, "r+");
    await handle.truncate(2 ** 40);
    await handle.close();
    const { output } = await bench.run("read", { path: "huge.txt", limit: 1 });
    expect(output).toContain("     1\tfirst");
  });

  test("output stays bounded for a file of many long lines", async () => {
    const bench = await openWorkbench();
    await bench.write("wide.txt", `${"x".repeat(1900)}\n`.repeat(1000));
    const { output } = await bench.run("read", { path: "wide.txt" });
    expect(output.length).toBeLessThan(110_000);
    expect(output).toMatch(/go on with offset \d+/);
  });

  test("images are shown, other binary files and too large images are named as such", async () => {
    const bench = await openWorkbench();
    const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0]);
    await bench.write("a.png", png);
    await bench.write("text.png", "no image at all");
    await bench.write("a.bmp", Buffer.from([0x42, 0x4d, 0, 0]));
    await bench.write("large.png", Buffer.concat([png, Buffer.alloc(4 * 1024 * 1024)]));
    await bench.write("a.bin", Buffer.from([1, 2, 0, 3]));
    expect(await bench.run("read", { path: "a.png" })).toEqual({
      output: "The image a.png (image/png, 7 bytes).",
      images: [{ name: "a.png", mimeType: "image/png", data: png }],
    });
    expect(await bench.run("read", { path: "text.png" })).toEqual({
      output: expect.stringContaining("no image at all"),
    });
    expect((await bench.run("read", { path: "a.bmp" })).output).toContain(
      "an image (BMP, 4 bytes)",
    );
    const large = await bench.run("read", { path: "large.png" });
    expect(large).toMatchObject({ isError: true, output: expect.stringContaining("too large") });
    expect(large.images).toBeUndefined();
    expect((await bench.run("read", { path: "a.bin" })).output).toContain("binary (4 bytes)");
  });

  test("a PDF is shown as its text, page by page", async () => {
    const bench = await openWorkbench();
    await bench.write("a.pdf", pdf(["Hello there", "Second page"]));
    const { output } = await bench.run("read", { path: "a.pdf" });
    const lines = output.split("\n").map((line) => line.replace(/^ *\d+\t/, ""));
    expect(lines).toEqual([
      ...["# Page 1 of 2", "Hello there", "", "# Page 2 of 2", "Second page", ""],
    ]);
    await bench.write("broken.pdf", "%PDF-1.4\nnothing more");
    await bench.write("large.pdf", Buffer.concat([Buffer.from("%PDF-1.4"), Buffer.alloc(17e6)]));
    for (const [path, reason] of [
      ["broken.pdf", "cannot be read"],
      ["large.pdf", "too large"],
    ] as const) {
      const failed = await bench.run("read", { path });
      expect(failed).toMatchObject({ isError: true, output: expect.stringContaining(reason) });
    }
  });

  test("a notebook is shown as its cells, page by page", async () => {
    const bench = await openWorkbench();
    const cells = [
      { cell_type: "markdown", source: ["# Title\n", "words"] },
      {
        cell_type: "code",
        source: "print(1)",
        outputs: [
          { output_type: "stream", text: ["1\n"] },
          { output_type: "display_data", data: { "image/png": "aGk=" } },
          { output_type: "error", ename: "ValueError", evalue: "no" },
        ],
      },
    ];
    await bench.write("a.ipynb", JSON.stringify({ cells }));
    const { output } = await bench.run("read", { path: "a.ipynb" });
    const lines = output.split("\n").map((line) => line.replace(/^ *\d+\t/, ""));
    expect(lines.slice(0, 10)).toEqual([
      "# Cell 1 (markdown)",
      "# Title",
      "words",
      "",
      "# Cell 2 (code)",
      "print(1)",
      "# Output",
      "1",
      "",
      "[image/png]",
    ]);
    expect(output).toContain("ValueError: no");
    const page = await bench.run("read", { path: "a.ipynb", offset: 5, limit: 1 });
    expect(page.output).toMatch(/^ +5\t# Cell 2 \(code\)\n\n\[Lines 5 to 5; there are more/);
  });

  test.each([
    ["is no JSON", "not { json"],
    ["has no cells", '{"cells": 5}'],
    ["is nested without end", `{"cells": ${"[".repeat(100_000)}`],
    ["is larger than can be taken apart", `{"cells": ["${"x".repeat(3 * 1024 * 1024)}"]}`],
  ])("a notebook that %s is shown as text", async (_what, text) => {
    const bench = await openWorkbench();
    await bench.write("a.ipynb", text);
    const { output } = await bench.run("read", { path: "a.ipynb" });
    expect(output).toContain(`     1\t${text.slice(0, 10)}`);
  });

  test("a notebook of odd cells loses none", async () => {
    const bench = await openWorkbench();
    const cells = [
      null,
      1,
      [],
      {},
      { cell_type: 7, source: { a: 1 }, outputs: [null, { data: [] }] },
    ];
    await bench.write("a.ipynb", JSON.stringify({ cells }));
    const { output } = await bench.run("read", { path: "a.ipynb" });
    expect(output.match(/# Cell \d \(unknown\)/g)).toHaveLength(5);
  });

  test("a folder points to ls, and a missing file is named", async () => {
    const bench = await openWorkbench();
    await mkdir(join(bench.workspace, "src"));
    expect((await bench.run("read", { path: "src" })).output).toContain("`ls`");
    expect(await bench.run("read", { path: "no.txt" })).toEqual({
      output: "`path` no.txt: there is no such file or folder (ENOENT).",
      isError: true,
    });
    await bench.write("file", "x");
    expect((await bench.run("read", { path: "file/x" })).output).toContain("`path` file/x");
  });

  unless(
    test,
    onWindows,
    "no named pipes in folders",
  )("a named pipe is refused at once", async () => {
    const bench = await openWorkbench();
    execFileSync("mkfifo", [join(bench.workspace, "pipe")]);
    const result = await bench.run("read", { path: "pipe" });
    expect(result.output).toContain("no regular file");
  });

  test("a path inside is told with its relative name, whichever way it was written", async () => {
    const bench = await openWorkbench();
    await bench.write("src/a.txt", "x");
    await bench.run("read", { path: join(bench.workspace, "src", "..", "src", "a.txt") });
    expect(bench.needs[0]?.subject).toEqual({ kind: "path", value: "src/a.txt" });
    expect(bench.needs[0]?.action).toBe("read");
  });

  test.each([
    ["by ..", () => "../outside/secret.txt"],
    ["by an absolute path", (outside: string) => join(outside, "secret.txt")],
    ["by a link to a file", () => "link.txt"],
    ["by a link to a folder", () => "folder/secret.txt"],
    ["by a link to what does not exist yet", () => "dangling"],
  ])("outside %s asks with the absolute path, and a refusal is told as denied", async (_, path) => {
    const bench = await openWorkbench();
    const secret = join(bench.outside, "secret.txt");
    await writeFile(secret, "secret");
    await symlink(secret, join(bench.workspace, "link.txt"));
    await symlink(bench.outside, join(bench.workspace, "folder"));
    await symlink(join(bench.outside, "new.txt"), join(bench.workspace, "dangling"));
    bench.verdict = () => refused;
    const result = await bench.run("read", { path: path(bench.outside) });
    expect(result).toEqual({ output: "The user said no.", isError: true, denied: true });
    expect(bench.needs[0]?.path?.startsWith(bench.outside)).toBe(true);
    expect(bench.needs[0]?.subject.value).toBe(bench.needs[0]?.path);
  });

  test("a file swapped for a symbolic link during the question is not read", async () => {
    const bench = await openWorkbench();
    const { rename } = await import("node:fs/promises");
    const path = await bench.write("a.txt", "harmless");
    await writeFile(join(bench.outside, "secret.txt"), "secret");
    bench.verdict = async () => {
      await rename(path, `${path}.old`);
      await symlink(join(bench.outside, "secret.txt"), path);
      return { allowed: true };
    };
    const result = await bench.run("read", { path: "a.txt" });
    expect(result.isError).toBe(true);
    expect(result.output).not.toContain("secret");
  });

  test("a folder swapped for a symbolic link during the question is not followed", async () => {
    const bench = await openWorkbench();
    const { rename } = await import("node:fs/promises");
    await bench.write("src/a.txt", "harmless");
    await writeFile(join(bench.outside, "a.txt"), "secret");
    bench.verdict = async () => {
      await rename(join(bench.workspace, "src"), join(bench.workspace, "old"));
      await symlink(bench.outside, join(bench.workspace, "src"));
      return { allowed: true };
    };
    const result = await bench.run("read", { path: "src/a.txt" });
    expect(result).toMatchObject({ isError: true });
    expect(result.output).not.toContain("secret");
  });

  test("a cancelled turn ends it with the signal's reason", async () => {
    const bench = await openWorkbench();
    await bench.write("a.txt", "x");
    const reason = new Error("cancelled");
    await expect(
      bench.run("read", { path: "a.txt" }, { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
  });
});
