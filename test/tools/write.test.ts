import { execFileSync } from "node:child_process";
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { onWindows, unless } from "../helpers/unless.js";
import { openWorkbench, refused } from "./workbench.js";

describe("write", () => {
  test("a new file is made with its folders, and its diff told", async () => {
    const bench = await openWorkbench();
    const result = await bench.run("write", { path: "a/b/c.txt", content: "one\n" });
    expect(result).toEqual({
      output: "Created a/b/c.txt (4 bytes).",
      diff: "--- /dev/null\n+++ b/a/b/c.txt\n@@ -0,0 +1,1 @@\n+one\n",
    });
    expect(await bench.text("a/b/c.txt")).toBe("one\n");
    expect(bench.needs).toMatchObject([
      { tool: "write", action: "write", subject: { kind: "path", value: "a/b/c.txt" } },
    ]);
  });

  test("a refusal writes nothing and is told as denied", async () => {
    const bench = await openWorkbench();
    bench.verdict = () => refused;
    const result = await bench.run("write", { path: "a/b.txt", content: "x" });
    expect(result).toEqual({ output: "The user said no.", isError: true, denied: true });
    expect(await readdir(bench.workspace)).toEqual([]);
  });

  test("a file that was not read is not replaced, and nobody is asked", async () => {
    const bench = await openWorkbench();
    await bench.write("a.txt", "old");
    const result = await bench.run("write", { path: "a.txt", content: "new" });
    expect(result.output).toBe("a.txt exists and has not been read; `read` it first.");
    expect(bench.needs).toEqual([]);
    expect(await bench.text("a.txt")).toBe("old");
  });

  test("a file that was read is replaced, again and again, and keeps its mode", async () => {
    const bench = await openWorkbench();
    const path = await bench.write("run.sh", "old\n");
    await chmod(path, 0o750);
    await bench.run("read", { path: "run.sh" });
    const first = await bench.run("write", { path: "run.sh", content: "new\n" });
    expect(first.diff).toBe("--- a/run.sh\n+++ b/run.sh\n@@ -1,1 +1,1 @@\n-old\n+new\n");
    await bench.run("write", { path: "run.sh", content: "newer\n" });
    expect(await bench.text("run.sh")).toBe("newer\n");
    expect((await stat(path)).mode & 0o777).toBe(0o750);
    expect(await readdir(bench.workspace)).toEqual(["run.sh"]);
  });

  test("a file that was changed since it was read is not replaced", async () => {
    const bench = await openWorkbench();
    const path = await bench.write("a.txt", "old");
    await bench.run("read", { path: "a.txt" });
    await writeFile(path, "changed");
    const result = await bench.run("write", { path: "a.txt", content: "new" });
    expect(result.output).toBe("a.txt was changed since it was read; `read` it again.");
    expect(await bench.text("a.txt")).toBe("changed");
  });

  test("a file that changes while the question is open is not replaced", async () => {
    const bench = await openWorkbench();
    const path = await bench.write("a.txt", "old");
    await bench.run("read", { path: "a.txt" });
    bench.verdict = async () => {
      await writeFile(path, "changed by somebody");
      return { allowed: true };
    };
    const result = await bench.run("write", { path: "a.txt", content: "new" });
    expect(result.isError).toBe(true);
    expect(await bench.text("a.txt")).toBe("changed by somebody");
    expect(await readdir(bench.workspace)).toEqual(["a.txt"]);
  });

  test("a link inside is followed, and stays a link", async () => {
    const bench = await openWorkbench();
    await bench.write("real.txt", "old");
    await symlink("real.txt", join(bench.workspace, "link.txt"));
    await bench.run("read", { path: "link.txt" });
    await bench.run("write", { path: "link.txt", content: "new" });
    expect(await bench.text("real.txt")).toBe("new");
    expect((await readdir(bench.workspace)).sort()).toEqual(["link.txt", "real.txt"]);
    expect(bench.needs.at(-1)?.subject.value).toBe("real.txt");
  });

  test.each([
    ["by ..", "../outside/new.txt"],
    ["by a link to a folder", "folder/new.txt"],
    ["by a link to a file that does not exist yet", "dangling"],
    ["by a link to a folder that does not exist yet", "nowhere/a/new.txt"],
  ])("outside %s asks with the absolute path", async (_, path) => {
    const bench = await openWorkbench();
    await symlink(bench.outside, join(bench.workspace, "folder"));
    await symlink(join(bench.outside, "new.txt"), join(bench.workspace, "dangling"));
    await symlink(join(bench.outside, "nowhere"), join(bench.workspace, "nowhere"));
    bench.verdict = () => refused;
    const result = await bench.run("write", { path, content: "x" });
    expect(result.denied).toBe(true);
    expect(bench.needs[0]?.path?.startsWith(bench.outside)).toBe(true);
    expect(await readdir(bench.outside)).toEqual([]);
    bench.verdict = () => ({ allowed: true });
    expect((await bench.run("write", { path, content: "x" })).isError).toBeUndefined();
    expect(await readdir(bench.outside)).toHaveLength(1);
  });

  test.each([
    ["the folder", "src/a.txt"],
    ["a folder that is to be made", "src/deep/er/a.txt"],
  ])("%s swapped for a link during the question is not followed", async (_, path) => {
    const bench = await openWorkbench();
    await mkdir(join(bench.workspace, "src"));
    bench.verdict = async () => {
      await rename(join(bench.workspace, "src"), join(bench.workspace, "old"));
      await symlink(bench.outside, join(bench.workspace, "src"));
      return { allowed: true };
    };
    const result = await bench.run("write", { path, content: "x" });
    expect(result.isError).toBe(true);
    expect(await readdir(bench.outside)).toEqual([]);
  });

  test("a link that takes the new file's place during the question is not followed", async () => {
    const bench = await openWorkbench();
    const target = join(bench.outside, "target.txt");
    await writeFile(target, "precious");
    bench.verdict = async () => {
      await symlink(target, join(bench.workspace, "a.txt"));
      return { allowed: true };
    };
    const result = await bench.run("write", { path: "a.txt", content: "x" });
    expect(result.isError).toBe(true);
    expect(await readFile(target, "utf8")).toBe("precious");
  });

  test("a folder, and a path through a file, are refused in words", async () => {
    const bench = await openWorkbench();
    await bench.write("src/a.txt", "x");
    expect((await bench.run("write", { path: "src", content: "x" })).output).toContain("folder");
    expect((await bench.run("write", { path: "src/a.txt/b", content: "x" })).output).toContain(
      "leads through a file",
    );
  });

  unless(
    test,
    onWindows,
    "no named pipes in folders",
  )("a pipe is not written to", async () => {
    const bench = await openWorkbench();
    execFileSync("mkfifo", [join(bench.workspace, "pipe")]);
    expect((await bench.run("write", { path: "pipe", content: "x" })).output).toContain(
      "no regular file",
    );
  });
});

describe("edit", () => {
  const edit = async (content: string, edits: object[]) => {
    const bench = await openWorkbench();
    await bench.write("a.txt", content);
    await bench.run("read", { path: "a.txt" });
    bench.needs.length = 0;
    const result = await bench.run("edit", { path: "a.txt", edits });
    return { ...result, text: await bench.text("a.txt"), asked: bench.needs.length };
  };

  test("several edits are made at once, in order, and told as one diff", async () => {
    const result = await edit("one\ntwo\nthree\n", [
      { oldText: "two", newText: "2" },
      { oldText: "2\nthree", newText: "2\n3" },
    ]);
    expect(result.text).toBe("one\n2\n3\n");
    expect(result.output).toBe("Made 2 edits in a.txt.");
    expect(result.diff).toContain("-two\n-three\n+2\n+3");
  });

  test("all or none: an edit that fails leaves the file as it was, and asks nobody", async () => {
    const result = await edit("one\ntwo\n", [
      { oldText: "one", newText: "1" },
      { oldText: "nine", newText: "9" },
    ]);
    expect(result).toMatchObject({ isError: true, text: "one\ntwo\n", asked: 0 });
    expect(result.output).toContain("`edits[1].oldText` is not in the file");
  });

  test("a text that is there more than once needs more lines, or replaceAll", async () => {
    const twice = [{ oldText: "x = 1", newText: "x = 2" }];
    const result = await edit("x = 1\ny\nx = 1\n", twice);
    expect(result.output).toContain("is in the file 2 times (lines 1, 3)");
    const all = await edit("x = 1\ny\nx = 1\n", [{ ...twice[0], replaceAll: true }]);
    expect(all.text).toBe("x = 2\ny\nx = 2\n");
  });

  test("places that overlap are more than one", async () => {
    const result = await edit("a {\n}\n}\n}\n", [{ oldText: "}\n}", newText: "}" }]);
    expect(result.output).toContain("is in the file 2 times (lines 2, 3)");
    expect(result.text).toBe("a {\n}\n}\n}\n");
  });

  test("a text that differs in whitespace is shown as it is", async () => {
    const result = await edit("a\n\tif (x) {\n\t\tgo();\n\t}\n", [
      { oldText: "  if (x) {\n    go();\n  }", newText: "" },
    ]);
    expect(result.output).toContain("It is at lines 2 to 4 but for whitespace");
    expect(result.output).toContain("\tif (x) {\n\t\tgo();\n\t}");
  });

  test("the most similar place is shown where there is none but for whitespace", async () => {
    const result = await edit("a\nfunction f() {\n  return 1;\n}\n", [
      { oldText: "function f() {\n  return 2;\n}", newText: "" },
    ]);
    expect(result.output).toContain("The most similar place is at lines 2 to 4");
  });

  test("dollar signs in the new text mean nothing", async () => {
    expect((await edit("price", [{ oldText: "price", newText: "$& $1 $$" }])).text).toBe(
      "$& $1 $$",
    );
  });

  test("line ends and a byte order mark are kept", async () => {
    const result = await edit("\uFEFFone\r\ntwo\r\nthree\r\n", [
      { oldText: "one\ntwo", newText: "1\n2" },
    ]);
    expect(result.text).toBe("\uFEFF1\r\n2\r\nthree\r\n");
  });

  test("an edit that begins with a line end leaves no stray carriage return", async () => {
    const result = await edit("one\r\ntwo\r\n", [{ oldText: "\ntwo", newText: "\n2" }]);
    expect(result.text).toBe("one\r\n2\r\n");
  });

  test("lines that end unlike most of the file keep their ends", async () => {
    const edits = [{ oldText: "four\nfive", newText: "4\n5" }];
    const dos = await edit("one\ntwo\nthree\nfour\r\nfive\r\n", edits);
    expect(dos.text).toBe("one\ntwo\nthree\n4\r\n5\r\n");
    const unix = await edit("one\r\ntwo\r\nthree\r\nfour\nfive\n", edits);
    expect(unix.text).toBe("one\r\ntwo\r\nthree\r\n4\n5\n");
  });

  test("a file that was never read is refused without a look at it", async () => {
    const bench = await openWorkbench();
    await writeFile(join(bench.outside, "secret.txt"), "secret");
    const edits = [{ oldText: "x", newText: "y" }];
    const result = await bench.run("edit", { path: "../outside/secret.txt", edits });
    expect(result.output).toContain("has not been read");
    expect(bench.needs).toEqual([]);
  });

  test("a file that was touched by another program is refused", async () => {
    const bench = await openWorkbench();
    const path = await bench.write("a.txt", "one");
    await bench.run("read", { path: "a.txt" });
    await utimes(path, 1, 1);
    const result = await bench.run("edit", {
      path: "a.txt",
      edits: [{ oldText: "one", newText: "1" }],
    });
    expect(result.output).toContain("was changed since it was read");
  });

  test("what is no UTF-8 is left alone", async () => {
    const bench = await openWorkbench();
    await bench.write("a.txt", Buffer.from([0x61, 0xff, 0x62]));
    await bench.run("read", { path: "a.txt" });
    const edits = [{ oldText: "a", newText: "b" }];
    const result = await bench.run("edit", { path: "a.txt", edits });
    expect(result.output).toContain("not UTF-8");
  });

  test("a refusal changes nothing", async () => {
    const bench = await openWorkbench();
    await bench.write("a.txt", "one");
    await bench.run("read", { path: "a.txt" });
    bench.verdict = () => refused;
    const edits = [{ oldText: "one", newText: "1" }];
    expect(await bench.run("edit", { path: "a.txt", edits })).toMatchObject({ denied: true });
    expect(await bench.text("a.txt")).toBe("one");
  });
});
