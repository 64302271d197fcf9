// Where a recording is written: what is no file stays what it is.
import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { RecordingFile } from "../../src/inspector/recordingFile.js";
import { onWindows, unless } from "../helpers/unless.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "turnwire-recording-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function recordInto(path: string, entries: number): void {
  const file = new RecordingFile({
    path,
    format: "turnwire",
    mostBytes: 200,
    hidesContents: false,
    now: () => 1,
  });
  for (let at = 0; at < entries; at++) file.write({ kind: "stderr", at, text: "x".repeat(60) });
  file.close();
}

unless(
  it,
  onWindows,
  "there are no named pipes",
)("a pipe keeps its permissions and its name, however much goes through", () => {
  const path = join(folder, "pipe");
  execFileSync("mkfifo", ["-m", "644", path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  recordInto(path, 20);
  closeSync(reader);
  expect(statSync(path).isFIFO()).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o644);
  expect(readdirSync(folder)).toEqual(["pipe"]);
});

unless(
  it,
  onWindows,
  "a file that is written cannot be taken away",
)(
  "a program that records under the same name gets a file of its own, and the first says so",
  () => {
    const path = join(folder, "file");
    let now = 0;
    const options = { path, format: "turnwire", mostBytes: 1e6, hidesContents: false } as const;
    const first = new RecordingFile({ ...options, now: () => now });
    const line = (text: string) => ({ kind: "stderr", at: 1, text }) as const;
    first.write(line("first"));
    const second = new RecordingFile({ ...options, now: () => now });
    first.write(line("first"));
    second.write(line("second"));
    now = 2_000;
    expect(() => first.write(line("first"))).toThrow(`another program records to ${path} now`);
    expect(() => first.close()).toThrow("another program");
    second.write(line("second"));
    second.close();
    const lines = readFileSync(path, "utf8").trim().split("\n");
    expect(lines.slice(1).map((one) => JSON.parse(one).text)).toEqual(["second", "second"]);
  },
);

it("a file is its owner's, and becomes the older part when it is large", () => {
  recordInto(join(folder, "file"), 20);
  expect(readdirSync(folder).sort()).toEqual(["file", "file.1"]);
  if (onWindows) return;
  for (const name of readdirSync(folder)) {
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  }
});
