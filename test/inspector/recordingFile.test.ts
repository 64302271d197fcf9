// Where a recording is written: what is no file stays what it is.
import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
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

it("a file is its owner's, and becomes the older part when it is large", () => {
  recordInto(join(folder, "file"), 20);
  expect(readdirSync(folder).sort()).toEqual(["file", "file.1"]);
  if (onWindows) return;
  for (const name of readdirSync(folder)) {
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  }
});
