// Files through the editor. Each editor below answers as its source has it.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RequestError } from "@agentclientprotocol/sdk";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { type FilesOf, readInEditor, writeInEditor } from "../../src/acp/editorFiles.js";
import { FileHasChanged } from "../../src/acp/turnwireConnection.js";
import { endEditors, makeFolder } from "./editor.js";

afterAll(endEditors);

let path: string;
beforeEach(() => {
  path = join(makeFolder(), "a.txt");
});

/** What an editor does with files. */
interface Files {
  /** Gives the text, or throws. */
  read(): string;
  /** Keeps the text, and gives the answer. */
  write(content: string): unknown;
}

/** The editor, as this room sees it. */
function filesOf({ read, write }: Files): FilesOf {
  const request = async (method: string, { content }: { content?: string }) =>
    method === "fs/read_text_file" ? { content: read() } : write(content ?? "");
  return {
    client: { request } as unknown as FilesOf["client"],
    sessionId: "ses_1",
    signal: new AbortController().signal,
  };
}

/** An editor that has nothing open: it reads and writes the disk. */
const onDisk: Files = {
  read: () => readFileSync(path, "utf8"),
  write(content) {
    writeFileSync(path, content);
    return {};
  },
};

const editors: [string, Files][] = [
  [
    "agent-shell",
    {
      ...onDisk,
      read() {
        if (!existsSync(path)) throw RequestError.resourceNotFound(path);
        return onDisk.read();
      },
    },
  ],
  [
    "Zed",
    {
      ...onDisk,
      read() {
        if (!existsSync(path)) throw RequestError.internalError({ details: "no such file" });
        return onDisk.read();
      },
    },
  ],
  [
    "CodeCompanion",
    {
      read: () => (existsSync(path) ? onDisk.read().replaceAll("\r\n", "\n") : ""),
      write(content) {
        onDisk.write(content);
        return null;
      },
    },
  ],
  [
    "avante, with the file in a buffer",
    {
      read() {
        if (!existsSync(path)) throw new RequestError(-32002, "no such file");
        return onDisk.read().replaceAll("\r\n", "\n").replace(/\n$/, "");
      },
      write(content) {
        onDisk.write(content);
        return null;
      },
    },
  ],
];

describe.each(editors)("in %s", (_, editor) => {
  it("a file that is not there is made, and then changed without a false conflict", async () => {
    const files = filesOf(editor);
    expect(await readInEditor({ path } as never, files)).toEqual({ missing: true });
    const made = await writeInEditor(given("one\ntwo\n", null), files);
    expect(await readInEditor({ path } as never, files)).toEqual({
      content: "one\ntwo\n",
      version: made.version,
    });
    await writeInEditor(given("one\nthree\n", made.version), files);
    expect(readFileSync(path, "utf8")).toBe("one\nthree\n");
  });

  it("an empty file is there", async () => {
    writeFileSync(path, "");
    const files = filesOf(editor);
    expect(await readInEditor({ path } as never, files)).toMatchObject({ content: "" });
    await expect(writeInEditor(given("x", null), files)).rejects.toThrow(FileHasChanged);
  });

  it("what was typed since it was read is not overwritten", async () => {
    writeFileSync(path, "one\n");
    const files = filesOf(editor);
    const read = await readInEditor({ path } as never, files);
    if ("missing" in read) throw new Error("it is there");
    writeFileSync(path, "one, and more\n");
    await expect(writeInEditor(given("two\n", read.version), files)).rejects.toThrow(
      FileHasChanged,
    );
    expect(readFileSync(path, "utf8")).toBe("one, and more\n");
  });

  it("a last line without an end stays so", async () => {
    writeFileSync(path, "one\ntwo");
    const read = await readInEditor({ path } as never, filesOf(editor));
    expect(read).toMatchObject({ content: "one\ntwo" });
  });
});

it("an editor that tells a failure as the result has not written", async () => {
  const write = () => `Failed to write file: ${path}`;
  const files = filesOf({ read: () => "one\n", write });
  const read = await readInEditor({ path } as never, files);
  if ("missing" in read) throw new Error("it is there");
  await expect(writeInEditor(given("two\n", read.version), files)).rejects.toThrow(
    "Failed to write",
  );
});

it("what is typed in a new file that is on no disk is its text", async () => {
  const files = filesOf({ ...onDisk, read: () => "typed" });
  expect(await readInEditor({ path } as never, files)).toMatchObject({ content: "typed" });
});

function given(content: string, version: string | number | null) {
  return { path, content, version } as Parameters<typeof writeInEditor>[0];
}
