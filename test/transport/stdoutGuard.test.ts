import childProcess, { execFileSync, spawn } from "node:child_process";
import { Console } from "node:console";
import fs, { writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { redirectChildren } from "../../src/transport/childGuard.js";
import { redirectFileDescriptor } from "../../src/transport/fileDescriptorGuard.js";
import { LogSink } from "../../src/transport/logSink.js";
import { claimStdout } from "../../src/transport/stdoutGuard.js";

/** What lies in a stream; a read gives all of it, or, from Node 26 on, a chunk of it. */
function textIn(stream: Readable): string {
  let all = "";
  for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) all += String(chunk);
  return all;
}

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step();
});

function claimed() {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const { output, restore } = claimStdout(stdout, new LogSink(stderr));
  undo.push(restore);
  return { stdout, stderr, output, restore };
}

function temporaryFolder(): string {
  const folder = fs.mkdtempSync(join(tmpdir(), "turnwire-"));
  undo.unshift(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe("a claimed stdout", () => {
  it("carries frames alone; other writes go to stderr", async () => {
    const { stdout, stderr, output } = claimed();
    const stray = new Console(stdout);
    output.write("frame 1\n");
    stray.log("log");
    stdout.write("write\n");
    stdout.write(Buffer.from("bytes\n"));
    await new Promise<void>((resolve) => {
      stdout.write("63616c6c6261636b0a", "hex", () => resolve());
    });
    await new Promise<void>((resolve) => output.write("frame 2\n", () => resolve()));
    expect(textIn(stdout)).toBe("frame 1\nframe 2\n");
    expect(textIn(stderr)).toBe("log\nwrite\nbytes\ncallback\n");
  });

  it("cannot be ended by others", async () => {
    const { stdout, stderr, output } = claimed();
    stdout.end("last words\n");
    await new Promise<void>((resolve) => output.write("frame\n", () => resolve()));
    expect(textIn(stdout)).toBe("frame\n");
    expect(textIn(stderr)).toBe("last words\n");
  });

  it("closes its output with its own failure", async () => {
    const { stdout, output } = claimed();
    const failed = new Promise<Error>((resolve) => output.on("error", resolve));
    const closed = new Promise<void>((resolve) => output.on("close", resolve));
    const error = new Error("EPIPE");
    stdout.destroy(error);
    expect(await failed).toBe(error);
    await closed;
  });

  it("is as before when it is given back", () => {
    const { stdout, stderr, restore } = claimed();
    restore();
    stdout.write("free\n");
    expect(textIn(stdout)).toBe("free\n");
    expect(textIn(stderr)).toBe("");
    expect(Object.keys(stdout)).not.toContain("write");
  });
});

describe("a redirected file descriptor", () => {
  /** A real descriptor of a file, redirected to a sink. */
  function redirectedFile() {
    const path = join(temporaryFolder(), "file");
    const descriptor = fs.openSync(path, "w");
    const stderr = new PassThrough();
    const restore = redirectFileDescriptor(descriptor, new LogSink(stderr));
    undo.push(restore, () => fs.closeSync(descriptor));
    return { path, descriptor, stderr, restore };
  }

  it("gets nothing from fs, in any form of the calls", async () => {
    const { path, descriptor, stderr } = redirectedFile();
    expect(writeSync(descriptor, "a")).toBe(1);
    expect(fs.writeSync(descriptor, Buffer.from("xbx"), 1, 1)).toBe(1);
    const within = { offset: 1, length: 1 };
    expect(Reflect.apply(fs.writeSync, fs, [descriptor, Buffer.from("xcx"), within])).toBe(1);
    expect(fs.writeSync(descriptor, "64", null, "hex")).toBe(1);
    expect(fs.writevSync(descriptor, [Buffer.from("e"), Buffer.from("f")])).toBe(2);
    fs.writeFileSync(descriptor, "g");
    fs.appendFileSync(descriptor, "68", { encoding: "hex" });
    const written = await promisify(fs.write)(descriptor, "i");
    expect(written).toEqual({ bytesWritten: 1, buffer: "i" });
    await new Promise((resolve) => fs.writev(descriptor, [Buffer.from("j")], resolve));
    await new Promise((resolve) => fs.writeFile(descriptor, "k", resolve));
    await new Promise<void>((resolve) => {
      fs.createWriteStream("", { fd: descriptor, autoClose: false }).end("l", () => resolve());
    });
    expect(textIn(stderr)).toBe("abcdefghijkl");
    expect(fs.readFileSync(path, "utf8")).toBe("");
  });

  it("leaves other descriptors alone, and is as before when it is given back", () => {
    const { path, descriptor, stderr, restore } = redirectedFile();
    const other = fs.openSync(`${path}-other`, "w");
    fs.writeSync(other, "other");
    fs.closeSync(other);
    restore();
    writeSync(descriptor, "free");
    expect(fs.readFileSync(`${path}-other`, "utf8")).toBe("other");
    expect(fs.readFileSync(path, "utf8")).toBe("free");
    expect(textIn(stderr)).toBe("");
  });
});

describe("a child process", () => {
  const script = `process.stdout.write("out"); process.stdin.on("data", () => {}).on("end", () => {})`;

  /** Redirects children from one file to another, as from stdout to stderr. */
  function redirectedFiles() {
    const folder = temporaryFolder();
    const [from, to] = [fs.openSync(`${folder}/from`, "w"), fs.openSync(`${folder}/to`, "w")];
    undo.push(redirectChildren({ from, to }), () => [from, to].forEach(fs.closeSync));
    const read = (name: string) => fs.readFileSync(`${folder}/${name}`, "utf8");
    return { from, read };
  }

  it("that would inherit the descriptor gets the other one, and no stdin", async () => {
    const { from, read } = redirectedFiles();
    const child = spawn(process.execPath, ["-e", script], { stdio: ["inherit", from, "inherit"] });
    await new Promise((resolve) => child.on("exit", resolve));
    execFileSync(process.execPath, ["-e", script], { stdio: [0, from, "inherit"] });
    childProcess.spawnSync(process.execPath, ["-e", script], { stdio: [0, from, 2] });
    const stream = fs.createWriteStream("", { fd: from, autoClose: false });
    const other = spawn(process.execPath, ["-e", script], { stdio: ["ignore", stream, "ignore"] });
    await new Promise((resolve) => other.on("exit", resolve));
    expect(read("from")).toBe("");
    expect(read("to")).toBe("outoutoutout");
  });

  it("with pipes has its pipes", async () => {
    redirectedFiles();
    const child = spawn(process.execPath, ["-e", script], { stdio: "pipe" });
    child.stdin.end("input");
    expect(await text(child.stdout)).toBe("out");
  });
});
