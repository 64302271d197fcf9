import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readAttachments } from "../../src/cli/runAttachments.js";
import { type Launched, launch } from "./launched.js";

let cli: Launched;
beforeEach(() => {
  cli = launch();
});
afterEach(() => cli.remove());

const png = Buffer.from("89504e470d0a1a0a", "hex");

it("goes along with the prompt, several of them, named and typed by what is in them", () => {
  writeFileSync(join(cli.folder, "notes.png"), "really text");
  writeFileSync(join(cli.folder, "picture"), png);
  writeFileSync(join(cli.folder, "blob"), Buffer.from([0, 1, 2]));
  const argv = ["-f", "notes.png", "--attach", "picture", "--attach=blob", "@say Done."];
  const { status, stdout } = cli.run(["run", "--output", "json", ...argv]);
  expect(status).toBe(0);
  const { sessionId } = JSON.parse(stdout);
  const exported = cli.run(["sessions", "export", sessionId, "--format", "json"]);
  expect(JSON.parse(exported.stdout).messages[0].parts).toMatchObject([
    { type: "text", text: "@say Done." },
    { type: "attachment", name: "notes.png", mimeType: "text/plain", size: 11 },
    { type: "attachment", name: "picture", mimeType: "image/png", size: 8 },
    { type: "attachment", name: "blob", mimeType: "application/octet-stream", size: 3 },
  ]);
});

it("that cannot be read is bad usage, and nothing was run", () => {
  mkdirSync(join(cli.folder, "folder"));
  for (const file of ["missing.txt", "folder"]) {
    const { status, stdout } = cli.run(["run", "--output", "json", "-f", file, "@say Done."]);
    expect(status).toBe(2);
    expect(JSON.parse(stdout).error).toContain(file);
  }
});

it("is bounded, also where it has no size that could be asked for", async () => {
  const endless = readAttachments(["/dev/zero"], (path) => path);
  await expect(endless).rejects.toThrow("36 MiB");
});

it("writes the output whole into a file, and then only", () => {
  const { status, stdout } = cli.run(["run", "-o", "reply.md", "@say In a file."]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  expect(readFileSync(join(cli.folder, "reply.md"), "utf8")).toBe("In a file.\n");
  const failed = cli.run(["run", "--output=json", "-o", "reply.json", "--session=none", "p"]);
  expect(failed.status).toBe(1);
  expect(JSON.parse(readFileSync(join(cli.folder, "reply.json"), "utf8"))).toMatchObject({
    errorName: "SessionNotFound",
  });
  const left = readdirSync(cli.folder).filter((name) => name.startsWith(".reply"));
  expect(left).toEqual([]);
});
