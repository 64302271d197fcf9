// What a long turn took of the memory comes back: the heap of the built server, as it tells it itself.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { endServers, startServer } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

/** A server at rest has about 26 MB; the space for new objects alone keeps 33 MB without a collection. */
const mostAtRest = 45_000_000;

/** Writes the size of the heap once a second, in bytes. */
const probe = (file: string) => `
  const { writeFileSync } = require("node:fs");
  const write = () => writeFileSync(${JSON.stringify(file)}, String(process.memoryUsage().heapTotal));
  setInterval(write, 1000).unref();
`;

describe("the memory of a server", () => {
  it("comes back after a turn of 50,000 chunks, and stderr stays empty", async () => {
    const folder = temporaryFolder();
    const [program, file] = [join(folder.path, "probe.cjs"), join(folder.path, "heap")];
    writeFileSync(program, probe(file));
    const heap = () => Number(readFileSync(file, "utf8"));
    const server = startServer({
      env: { NODE_OPTIONS: `--require=${program.replaceAll("\\", "/")}` },
    });
    const session = await openSession(server);
    await session.send("@chunks 50000 20", "long");
    await server.completion("long");
    await expect.poll(heap).toBeGreaterThan(mostAtRest);
    await expect.poll(heap, { interval: 500 }).toBeLessThan(mostAtRest);
    expect(server.stderr).not.toContain("Warning");
    await server.call("ping", {});
    folder.remove();
  });
});
