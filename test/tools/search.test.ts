import { rename, symlink, utimes, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import { findProgram } from "../../src/process/findProgram.js";
import { grepTool } from "../../src/tools/grep.js";
import { onWindows, unless } from "../helpers/unless.js";
import { openWorkbench, refused, type Workbench } from "./workbench.js";

async function openProject(): Promise<Workbench> {
  const bench = await openWorkbench();
  await bench.write(".git/config", "needle");
  await bench.write(".gitignore", "dist/\n*.log\n!keep.log\n");
  await bench.write("dist/out.js", "needle in dist\n");
  await bench.write("a.log", "needle in log\n");
  await bench.write("keep.log", "needle kept\n");
  await bench.write("node_modules/pkg/index.js", "needle in package\n");
  await bench.write(".github/ci.yml", "needle: ci\n");
  await bench.write("src/.gitignore", "generated.ts\n");
  await bench.write("src/a.ts", "one\nNeedle\r\nneedle(1)\n");
  await bench.write("src/generated.ts", "needle generated\n");
  await bench.write("src/deep/b.ts", "needle deep");
  await bench.write("src/deep/c.bin", Buffer.from("needle\0binary\n"));
  return bench;
}

describe("ls", () => {
  test("a tree without what git ignores, two levels deep", async () => {
    const bench = await openProject();
    await symlink("a.ts", join(bench.workspace, "src", "link.ts"));
    expect((await bench.run("ls", {})).output).toBe(
      [
        "./",
        "  .github/",
        "    ci.yml",
        "  .gitignore",
        "  keep.log",
        "  src/",
        "    .gitignore",
        "    a.ts",
        "    deep/",
        "    link.ts -> a.ts",
      ].join("\n"),
    );
  });

  test("an ignored folder that is asked for by name is listed", async () => {
    const bench = await openProject();
    expect((await bench.run("ls", { path: "dist" })).output).toBe("dist/\n  out.js");
  });

  test("the innermost .gitignore decides", async () => {
    const bench = await openProject();
    await bench.write("src/.gitignore", "!b.log\nkeep.log\n");
    await bench.write("src/deep/.gitignore", "b.log\n!d.log\n");
    for (const folder of ["src", "src/deep", "src/deep/er"]) {
      for (const name of ["b.log", "c.log", "d.log", "keep.log"]) {
        await bench.write(`${folder}/${name}`, "needle\n");
      }
    }
    const shown = ["keep.log", "src/b.log", "src/deep/d.log", "src/deep/er/d.log"];
    const { output } = await bench.run("glob", { pattern: "**/*.log" });
    expect(output.split("\n").sort()).toEqual(shown);
    const inside = await bench.run("ls", { path: "src/deep/er" });
    expect(inside.output).toBe("src/deep/er/\n  d.log");
  });

  test("a folder of thousands is bounded, and says so", async () => {
    const bench = await openWorkbench();
    for (let i = 0; i < 30; i++) {
      const files = Array.from({ length: 60 }, (_, n) => bench.write(`d${i}/f${n}`, ""));
      await Promise.all(files);
    }
    const { output } = await bench.run("ls", {});
    expect(output.split("\n").length).toBeLessThan(1_200);
    expect(output).toContain("There is more");
  });

  test("a file points to read", async () => {
    const bench = await openProject();
    expect(await bench.run("ls", { path: "src/a.ts" })).toMatchObject({
      isError: true,
      output: "`path` src/a.ts is a file, not a folder; use `read`.",
    });
  });

  test.each(["ls", "glob", "grep"])("%s outside the workspace asks", async (name) => {
    const bench = await openProject();
    await writeFile(join(bench.outside, "secret.txt"), "needle");
    await symlink(bench.outside, join(bench.workspace, "way"));
    bench.verdict = () => refused;
    for (const path of ["..", "way", bench.outside]) {
      const result = await bench.run(name, { path, pattern: "needle" });
      expect(result).toEqual({ output: "The user said no.", isError: true, denied: true });
    }
    expect(bench.needs.every(({ path }) => path !== undefined && !path.includes("way"))).toBe(true);
  });
});

const hostile = "a.txt\n  b.txt\u001b[2K\u007f\u0085\u2028";
const hostileShown = '"a.txt\\n  b.txt\\u001b[2K\\u007f\\u0085\\u2028"';

unless(
  describe,
  onWindows,
  "Windows takes no such names",
)("names that would be taken for others", () => {
  test("ls shows them as JSON strings, link targets and the folder itself too", async () => {
    const bench = await openWorkbench();
    await bench.write(`d\n/${hostile}`, "");
    await bench.write('d\n/"', "");
    await bench.write("d\n/  indented", "");
    await bench.write("d\n/it's fine — é", "");
    await symlink("x\ny", join(bench.workspace, "d\n", "z -> y"));
    expect((await bench.run("ls", { path: "d\n" })).output.split("\n")).toEqual([
      '"d\\n"/',
      '  "  indented"',
      '  "\\""',
      `  ${hostileShown}`,
      "  it's fine — é",
      '  "z -> y" -> "x\\ny"',
    ]);
    expect((await bench.run("ls", {})).output.split("\n")[1]).toBe('  "d\\n"/');
  });

  test("glob shows the whole path as a JSON string", async () => {
    const bench = await openWorkbench();
    await bench.write(`src/${hostile}`, "");
    const { output } = await bench.run("glob", { pattern: "src/*" });
    expect(output).toBe(`"src/${hostileShown.slice(1)}`);
  });
});

describe("glob", () => {
  test("files come newest first, as paths that other tools take", async () => {
    const bench = await openProject();
    await utimes(join(bench.workspace, "src", "a.ts"), 1_000, 1_000);
    await utimes(join(bench.workspace, "src", "deep", "b.ts"), 2_000, 2_000);
    expect((await bench.run("glob", { pattern: "**/*.ts" })).output).toBe(
      "src/deep/b.ts\nsrc/a.ts",
    );
    expect((await bench.run("glob", { pattern: "*.ts", path: "src/deep" })).output).toBe(
      "src/deep/b.ts",
    );
    expect((await bench.run("glob", { pattern: "*.{yml,md}" })).output).toBe(".github/ci.yml");
    expect((await bench.run("glob", { pattern: "src/*.ts" })).output).toBe("src/a.ts");
  });

  test("nothing found is said, with the pattern", async () => {
    const bench = await openProject();
    expect(await bench.run("glob", { pattern: "*.rs" })).toEqual({
      output: "No file matches *.rs.",
    });
  });

  test("results are bounded", async () => {
    const bench = await openWorkbench();
    await Promise.all(Array.from({ length: 300 }, (_, n) => bench.write(`f${n}.txt`, "")));
    const { output } = await bench.run("glob", { pattern: "*.txt" });
    expect(output.split("\n").length).toBeLessThan(210);
    expect(output).toContain("of 300 or more");
  });

  test("a .gitignore that backtracks without end is interrupted", async () => {
    const bench = await openWorkbench();
    await bench.write(`${"a/".repeat(60)}c`, "");
    await bench.write(".gitignore", `${"a/**/".repeat(16)}b\n`);
    const result = await bench.run("glob", { pattern: "*" });
    expect(result).toMatchObject({ isError: true });
    expect(result.output).toContain(".gitignore");
  });

  test("a walk never leaves through a link that took a folder's place", async () => {
    const bench = await openWorkbench();
    await bench.write("src/a.txt", "");
    await writeFile(join(bench.outside, "secret.txt"), "");
    bench.verdict = async () => {
      await rename(join(bench.workspace, "src"), join(bench.workspace, "old"));
      await symlink(bench.outside, join(bench.workspace, "src"));
      return { allowed: true };
    };
    const result = await bench.run("glob", { pattern: "*.txt", path: "src" });
    expect(result.output).not.toContain("secret");
  });
});

const hasRipgrep = (await findProgram("rg", process.env.PATH)) !== undefined;

describe.each([
  { engine: "our own search", ripgrep: false },
  { engine: "ripgrep", ripgrep: true },
])("grep with $engine", ({ ripgrep }) => {
  const grep = async (bench: Workbench, input: object) => {
    const tool = grepTool({ ripgrep });
    return tool.execute(tool.inputSchema.parse(input), bench.context);
  };
  // Without ripgrep on the machine, its half of the table says nothing.
  const it = unless(test, ripgrep && !hasRipgrep, "ripgrep (rg) is not installed");

  it("finds lines outside of what git ignores and binary files", async () => {
    const bench = await openProject();
    expect((await grep(bench, { pattern: "needle" })).output).toBe(
      [
        "keep.log:1: needle kept",
        ".github/ci.yml:1: needle: ci",
        "src/a.ts:3: needle(1)",
        "src/deep/b.ts:1: needle deep",
      ].join("\n"),
    );
  });

  it("gives files alone, counts, and files of a type", async () => {
    const bench = await openProject();
    await bench.write("src/d.ts", "needle\nno\nneedle needle\n");
    expect((await grep(bench, { pattern: "needle", output: "files", type: "ts" })).output).toBe(
      "src/a.ts\nsrc/d.ts\nsrc/deep/b.ts",
    );
    expect((await grep(bench, { pattern: "needle", output: "counts", path: "src" })).output).toBe(
      "src/a.ts: 1\nsrc/d.ts: 2\nsrc/deep/b.ts: 1",
    );
    expect(
      (await grep(bench, { pattern: "needle", output: "files", type: "ts", limit: 2 })).output,
    ).toBe("src/a.ts\nsrc/d.ts\n\n[The first 2 files; there are more: narrow the search.]");
    expect((await grep(bench, { pattern: "needle", type: "yaml" })).output).toBe(
      ".github/ci.yml:1: needle: ci",
    );
    expect(await grep(bench, { pattern: "needle", type: "constructor" })).toMatchObject({
      isError: true,
      output: expect.stringContaining("`type` constructor is not known"),
    });
    expect((await grep(bench, { pattern: "nowhere", output: "counts" })).output).toBe(
      "No line matches nowhere.",
    );
  });

  it("shows lines around a hit, each once, and tells what is apart", async () => {
    const bench = await openWorkbench();
    await bench.write("a.txt", "1\n2 hit\r\n3\n4 hit\n5\n6\n7\n8\n9 hit");
    await bench.write("b.txt", "hit\n");
    expect((await grep(bench, { pattern: "hit", context: 1 })).output).toBe(
      [
        "a.txt-1- 1",
        "a.txt:2: 2 hit",
        "a.txt-3- 3",
        "a.txt:4: 4 hit",
        "a.txt-5- 5",
        "--",
        "a.txt-8- 8",
        "a.txt:9: 9 hit",
        "--",
        "b.txt:1: hit",
      ].join("\n"),
    );
    const cut = (await grep(bench, { pattern: "hit", context: 2, limit: 1, path: "a.txt" })).output;
    expect(cut).toBe(
      [
        ...["a.txt-1- 1", "a.txt:2: 2 hit", "a.txt-3- 3", "a.txt-4- 4 hit", ""],
        "[The first 1 lines; there are more: narrow the search.]",
      ].join("\n"),
    );
    await bench.write("long.txt", "hit\n.\n.\n.\n".repeat(1_000));
    const { output } = await grep(bench, { pattern: "hit", context: 20, limit: 1_000 });
    expect(output.split("\n").length).toBeLessThan(3_100);
    expect(output).toContain("More lines are left out");
  });

  it("takes case, literal text, a glob, a folder and a file", async () => {
    const bench = await openProject();
    const both = "src/a.ts:2: Needle\nsrc/a.ts:3: needle(1)";
    expect((await grep(bench, { pattern: "(?i)NEEDLE", path: "src/a.ts" })).output).toBe(both);
    expect((await grep(bench, { pattern: "^Needle$", include: "*.ts" })).output).toBe(
      "src/a.ts:2: Needle",
    );
    expect((await grep(bench, { pattern: "e(1", literal: true })).output).toBe(
      "src/a.ts:3: needle(1)",
    );
    expect((await grep(bench, { pattern: "needle", path: "src/deep" })).output).toBe(
      "src/deep/b.ts:1: needle deep",
    );
  });

  unless(
    test,
    onWindows || (ripgrep && !hasRipgrep),
    "ripgrep (rg) is not installed, or this is Windows, which takes no such names",
  )("shows a path that would be taken for another as a JSON string", async () => {
    const bench = await openWorkbench();
    await bench.write("a\nb:1: c/d", "needle");
    await bench.write("plain", "needle");
    await bench.write("x\nplain", "another needle");
    const { output } = await grep(bench, { pattern: "needle" });
    expect(output.split("\n").sort()).toEqual([
      '"a\\nb:1: c/d":1: needle',
      '"x\\nplain":1: another needle',
      "plain:1: needle",
    ]);
    const inside = await grep(bench, { pattern: "needle", path: "a\nb:1: c/d" });
    expect(inside.output).toBe('"a\\nb:1: c/d":1: needle');
  });

  it("says that nothing matches", async () => {
    const bench = await openProject();
    expect(await grep(bench, { pattern: "haystack" })).toEqual({
      output: "No line matches haystack.",
    });
  });

  it("a bad pattern is told with its field", async () => {
    const bench = await openProject();
    const result = await grep(bench, { pattern: "need(le" });
    expect(result.isError).toBe(true);
    expect(result.output).toContain("`pattern` is no regular expression");
  });

  it("results and long lines are bounded", async () => {
    const bench = await openWorkbench();
    await bench.write("long.txt", `needle${"x".repeat(3_000_000)}\n`);
    await bench.write("many.txt", "needle\n".repeat(5_000));
    const { output } = await grep(bench, { pattern: "needle" });
    expect(output.length).toBeLessThan(10_000);
    expect(output).toContain("[The first 100 lines; there are more: narrow the search.]");
  });

  it("a pattern that backtracks without end does not hang", async () => {
    const bench = await openWorkbench();
    await bench.write("a.txt", `${"a".repeat(60)}!\n`);
    const result = await grep(bench, { pattern: "^(a+)+$" });
    if (ripgrep) expect(result.output).toContain("No line matches");
    else expect(result.output).toContain("takes too long to match in a.txt");
  });
});

test("a ripgrep that lies in the workspace is not run", async () => {
  const bench = await openWorkbench();
  const { chmod } = await import("node:fs/promises");
  const fake = await bench.write("bin/rg", "#!/bin/sh\ntouch ran\n");
  await chmod(fake, 0o755);
  await bench.write("a.txt", "needle");
  const env = { PATH: [join(bench.workspace, "bin"), process.env.PATH].join(delimiter) };
  const { output } = await bench.run("grep", { pattern: "needle" }, { env });
  expect(output).toContain("a.txt:1: needle");
  await expect(bench.text("ran")).rejects.toThrow("ENOENT");
});
