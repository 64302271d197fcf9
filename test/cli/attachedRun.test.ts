// `turnwire attach` beside a daemon that leaves after it has told the end of the run.
import { Duplex } from "node:stream";
import { expect, it } from "vitest";
import { attachToRun } from "../../src/cli/attachedRun.js";
import type { DaemonReach } from "../../src/cli/daemonReach.js";
import type { ListedRun } from "../../src/cli/runsOptions.js";
import { completion, message } from "../../src/protocol/objects/examples.js";
import { FakeError, FakeServer } from "../client/fakeServer.js";

const leaving = () => {
  throw new FakeError(-32000, "the server is shutting down", { name: "ServerShuttingDown" });
};

/** A daemon that knows a run that has ended so. */
function daemonWith(end: object): FakeServer {
  const server = new FakeServer();
  server.handlers.getRun = () => ({ runId: "r", sessionId: "ses", state: "accepted" });
  server.handlers.subscribe = () => ({ messages: [], live: true });
  server.handlers.waitRun = () => ({ ...completion, messageId: "msg-1", ...end });
  server.handlers.getMessage = () => ({
    ...message,
    role: "assistant",
    id: "msg-1",
    parts: [{ type: "text", text: "To its end." }],
  });
  return server;
}

async function attach(...daemons: FakeServer[]) {
  const said: string[] = [];
  const errors: string[] = [];
  const left = [...daemons];
  const connect = async () => {
    const streams = left.shift()?.connect();
    if (streams === undefined) throw new Error("no daemon");
    return Duplex.from({ readable: streams.input, writable: streams.output });
  };
  const code = await attachToRun(
    { workspaceId: "ws", sessionId: "ses", runId: "r", workspacePath: "/w" } as ListedRun,
    {
      reach: { connect } as unknown as DaemonReach,
      out: {
        failure: undefined,
        write: async (text) => void said.push(text),
        finish: async () => {},
        release: () => {},
      },
      isJson: false,
      writeError: (line) => errors.push(line),
    },
  );
  return { code, said: said.join(""), errors };
}

it("asks the next daemon for what one that makes room did not say any more", async () => {
  const old = daemonWith({});
  old.handlers.getMessage = leaving;
  expect(await attach(old, daemonWith({}))).toEqual({
    code: 0,
    said: "To its end.\n",
    errors: ["turnwire attach: another daemon serves now, and is asked for the rest"],
  });
});

it("shows the end that comes with the end of a daemon, without asking for more", async () => {
  const stopped = daemonWith({ status: "cancelled", cancelled: true, cause: "shutdown" });
  stopped.handlers.getMessage = leaving;
  stopped.handlers.acknowledge = leaving;
  expect(await attach(stopped)).toEqual({
    code: 130,
    said: "",
    errors: ["turnwire attach: the run was cancelled, because its server was stopped"],
  });
});

it("has shown all of it where the acknowledgement comes too late", async () => {
  const old = daemonWith({});
  old.handlers.acknowledge = leaving;
  expect(await attach(old)).toEqual({ code: 0, said: "To its end.\n", errors: [] });
});
