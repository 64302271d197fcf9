// docs/cli.md: a run is never accepted by the daemon without its id being told.
import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type DetachedRunIo, detachedRun } from "../../src/cli/detachedRun.js";
import { type DaemonChild, endDaemons, runProgram, startDaemon } from "../helpers/daemonChild.js";
import { makeFolder } from "../helpers/serverProcess.js";

let daemon: DaemonChild;
const proxies: Server[] = [];
beforeAll(async () => {
  daemon = await startDaemon();
});
afterAll(async () => {
  for (const proxy of proxies) proxy.close();
  await endDaemons();
});

/** What a connection does with the request that would start the run. */
interface Line {
  /** Called instead of passing it on. */
  atPrompt(pass: () => void, ends: readonly [Socket, Socket]): void;
}

async function connectThrough({ atPrompt }: Line): Promise<Socket> {
  const proxy = createServer((near) => {
    const far = createConnection(daemon.socket);
    for (const end of [near, far]) end.on("error", () => {});
    near.on("close", () => far.destroy());
    far.pipe(near);
    near.on("data", (chunk: Buffer) => {
      const pass = () => void far.write(chunk);
      if (chunk.includes('"sendMessage"')) atPrompt(pass, [near, far]);
      else pass();
    });
  });
  proxies.push(proxy);
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const socket = createConnection(address.port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

/** Runs the command over such a connection; `interrupt` is its Ctrl-C. */
async function detach(line: (interrupt: () => void) => Line, output: "text" | "json" = "text") {
  let interrupt = () => {};
  const written: string[] = [];
  const errors: string[] = [];
  const io = {
    reach: { connectOrStart: () => connectThrough(line(() => interrupt())) },
    out: { failure: undefined, write: async (text: string) => void written.push(text) },
    writeError: (text: string) => void errors.push(text),
    resolvePath: (path: string) => path,
    stdin: Readable.from([]),
    stdinKind: "terminal",
    env: {},
    serverCommand: { file: "false", args: [] },
    onInterrupt: (callback: () => void) => {
      interrupt = callback;
      return () => {};
    },
  } as unknown as DetachedRunIo;
  const options = { prompt: "@say Hello.", output, cwd: makeFolder() } as unknown as Parameters<
    typeof detachedRun
  >[0];
  const code = await detachedRun(options, io);
  return { code, stdout: written.join(""), stderr: errors.join("\n") };
}

const runsOfDaemon = async () =>
  (await runProgram(["runs", "--json", "--data-dir", daemon.dataDir])).stdout;

it("ends at Ctrl-C although the daemon does not answer, and names the run that it may have", async () => {
  const { code, stdout, stderr } = await detach((interrupt) => ({ atPrompt: () => interrupt() }));
  expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
  expect(stderr).toMatch(/may have accepted the run (run_\w+): .*`turnwire cancel \1`/);
});

it("names a run that was accepted while its answer was lost", async () => {
  const { code, stdout, stderr } = await detach(
    () => ({
      atPrompt(pass, [near, far]) {
        far.unpipe(near);
        far.on("data", () => near.destroy()).resume();
        pass();
      },
    }),
    "json",
  );
  expect(code).toBe(1);
  const { runId, status, errorName } = JSON.parse(stdout);
  expect({ status, errorName }).toEqual({ status: "failed", errorName: "ConnectionLost" });
  expect(stderr).toContain(`may have accepted the run ${runId}`);
  expect(await runsOfDaemon()).toContain(runId);
});

it("tells of an accepted run although Ctrl-C comes before the daemon has let go", async () => {
  const { code, stdout, stderr } = await detach((interrupt) => ({
    atPrompt(pass, [near, far]) {
      // Nothing after the answer arrives, and the interrupt comes while the end is waited for.
      near.removeAllListeners("data").on("data", (chunk: Buffer) => {
        if (chunk.includes('"shutdown"')) interrupt();
      });
      pass();
      far.resume();
    },
  }));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(await runsOfDaemon()).toContain(stdout.trim());
});
