// What nobody caught: the server leaves with a code of its own, and its runs are told.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { onWindows, unless } from "../helpers/unless.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

/** A module that, loaded before the server, lets something go wrong at a signal. */
function faultAt(signal: string, fault: string): string[] {
  const file = join(makeFolder(), "fault.mjs");
  writeFileSync(file, `process.on("${signal}", () => { ${fault} });`);
  return ["--import", file];
}

const faults = {
  "an error": 'setTimeout(() => { throw new Error("a defect"); })',
  "a rejection": 'Promise.reject(new Error("a defect"))',
  "an emitter without a listener":
    'import("node:events").then(({ EventEmitter }) => new EventEmitter().emit("error", new Error("a defect")))',
};

unless(
  describe,
  onWindows,
  "Windows has no such signal",
)("what nobody catches", () => {
  it.each(Object.entries(faults))("%s: runs end, the log has it, exit 70", async (_, fault) => {
    // Lingering is for turns that may go on; these may not.
    const args = ["--linger", "60"];
    const server = startServer({ nodeArgs: faultAt("SIGUSR2", fault), args });
    await server.call("initialize", { clientId: "a-client" });
    const session = await openSession(server);
    await session.send("@wait 600000", "r-1");
    await server.event("messageCreated", {});
    server.child.kill("SIGUSR2");
    expect(await server.exit).toEqual({ code: 70, signal: null });
    expect(server.events("runComplete")).toMatchObject([{ runId: "r-1", cause: "internal" }]);
    const line = server.stderr.split("\n").find((one) => one.includes("nobody caught"));
    expect(JSON.parse(line ?? "{}")).toMatchObject({
      errorId: expect.stringMatching(/^err_/),
      stack: expect.stringContaining("Error: a defect\n    at "),
    });
  });

  it("a second one while the runs end changes nothing", async () => {
    const fault = 'setInterval(() => { throw new Error("again and again"); })';
    const server = startServer({ nodeArgs: faultAt("SIGUSR2", fault) });
    await server.call("initialize", { clientId: "a-client" });
    const session = await openSession(server);
    await session.send("@wait 600000", "r-1");
    await server.event("messageCreated", {});
    server.child.kill("SIGUSR2");
    expect(await server.exit).toEqual({ code: 70, signal: null });
    expect(server.events("runComplete")).toMatchObject([{ runId: "r-1", cause: "internal" }]);
  });
});
