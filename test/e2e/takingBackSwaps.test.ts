// protocol.md section 4, Taking back: files that became folders and folders that became files, names that are
// no UTF-8, and another hand that comes in between.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { platform } from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";
import { read, rewind, runSteps, tool, write } from "../helpers/takingBack.js";
import { unless } from "../helpers/unless.js";
import { openSession } from "../helpers/wireSession.js";

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer();
});
afterAll(endServers);

const bash = (command: string) => tool("bash", { command });

describe("a rewind", () => {
  it("brings back a file in whose place the run has made a folder", async () => {
    const session = await openSession(server);
    const file = join(session.path, "x");
    writeFileSync(file, "before");
    const steps = [read("x"), write("x", "after"), bash("rm x"), write("x/inner", "new")];
    const runId = await runSteps(session, ...steps);
    expect(statSync(file).isDirectory()).toBe(true);
    const done = await rewind(session, { runId });
    expect(done).toMatchObject({ conflicts: [], commandsRan: true });
    expect(readFileSync(file, "utf8")).toBe("before");
    const { checkpointId } = done;
    expect((await rewind(session, { checkpointId })).conflicts).toEqual([]);
    expect(readFileSync(join(file, "inner"), "utf8")).toBe("new");
  });

  it("brings back a file of a folder in whose place the run has made a file", async () => {
    const session = await openSession(server);
    const folder = join(session.path, "d");
    mkdirSync(folder);
    writeFileSync(join(folder, "a"), "before");
    const steps = [read("d/a"), write("d/a", "after"), bash("rm -r d"), write("d", "a file")];
    const runId = await runSteps(session, ...steps);
    expect(readFileSync(folder, "utf8")).toBe("a file");
    const done = await rewind(session, { runId });
    expect(done.conflicts).toEqual([]);
    expect(readFileSync(join(folder, "a"), "utf8")).toBe("before");
    const { checkpointId } = done;
    expect((await rewind(session, { checkpointId })).conflicts).toEqual([]);
    expect(readFileSync(folder, "utf8")).toBe("a file");
  });

  it("leaves a folder alone that somebody has made in the place of a file", async () => {
    const session = await openSession(server);
    const file = join(session.path, "x");
    writeFileSync(file, "before");
    const runId = await runSteps(session, read("x"), write("x", "after"));
    rmSync(file);
    mkdirSync(file);
    writeFileSync(join(file, "mine"), "mine");
    for (const force of [false, true]) {
      const { conflicts } = await rewind(session, { runId, force, history: false });
      expect(conflicts).toMatchObject([{ path: "x", reason: "notAFile" }]);
    }
    expect(readFileSync(join(file, "mine"), "utf8")).toBe("mine");
  });

  it("sees what another hand did between the look at the changes and the rewind", async () => {
    const session = await openSession(server);
    const at = (name: string) => join(session.path, name);
    for (const name of ["a", "b", "c"]) writeFileSync(at(name), `${name} before`);
    const steps = ["a", "b", "c"].flatMap((name) => [read(name), write(name, "after")]);
    const runId = await runSteps(session, ...steps);
    const { files } = await server.call("sessionChanges", session.ids);
    expect(files.some(({ changedSince }) => changedSince === true)).toBe(false);
    const dry = await rewind(session, { runId, dryRun: true });
    expect(dry.conflicts).toEqual([]);
    writeFileSync(at("a"), "by hand");
    rmSync(at("b"));
    const done = await rewind(session, { runId, history: false });
    expect(done.conflicts).toMatchObject([{ path: "a", reason: "changed" }]);
    expect(done.files).toEqual([
      { path: "b", change: "recreated" },
      { path: "c", change: "restored" },
    ]);
    expect(readFileSync(at("a"), "utf8")).toBe("by hand");
    const forced = await rewind(session, { runId, force: true });
    expect(forced.files).toEqual([{ path: "a", change: "restored" }]);
    expect(readFileSync(at("a"), "utf8")).toBe("a before");
    // What was written over by force comes back too.
    await rewind(session, { checkpointId: forced.checkpointId });
    expect(readFileSync(at("a"), "utf8")).toBe("by hand");
  });

  it("keeps nothing of a file that a rule protects, and touches no such file", async () => {
    const session = await openSession(server);
    writeFileSync(join(session.path, "open"), "before");
    const before = "{}";
    writeFileSync(join(session.path, "turnwire.json"), before);
    const runId = await runSteps(
      session,
      read("open"),
      write("open", "after"),
      read("turnwire.json"),
      write("turnwire.json", '{"permissions":{"allow":["*"]}}'),
    );
    const now = readFileSync(join(session.path, "turnwire.json"), "utf8");
    const { checkpoints } = await server.call("listCheckpoints", session.ids);
    const isListed = checkpoints[0]?.files.some(({ path }) => path === "turnwire.json");
    expect(isListed).toBe(now !== before);
    expect((await rewind(session, { runId })).conflicts).toEqual([]);
    expect(readFileSync(join(session.path, "turnwire.json"), "utf8")).toBe(before);
  });

  unless(
    it,
    platform !== "linux",
    "only Linux has names that are no UTF-8",
  )("leaves files alone whose names are no UTF-8, and the folder that has them", async () => {
    const session = await openSession(server);
    const odd = Buffer.concat([
      Buffer.from(join(session.path, "new")),
      Buffer.from("/\xff\xfe", "latin1"),
    ]);
    const runId = await runSteps(session, write("new/file", "made"));
    writeFileSync(odd, "by hand");
    execFileSync("sh", ["-c", "printf x > \"$(printf 'top\\377')\""], { cwd: session.path });
    const done = await rewind(session, { runId });
    expect(done).toMatchObject({ conflicts: [], files: [{ path: "new/file", change: "removed" }] });
    expect(existsSync(join(session.path, "new/file"))).toBe(false);
    expect(readFileSync(odd, "utf8")).toBe("by hand");
    expect(readdirSync(session.path)).toHaveLength(2);
  });
});
