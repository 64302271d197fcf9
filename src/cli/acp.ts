// `turnwire acp`: serves an editor, with a server in this process or with the daemon of the data
// directory (protocol.md section 14).
import type { Socket } from "node:net";
import { type OpenConnection, type ServedEditor, serveAcp, TurnwirePeer } from "../acp/index.js";
import { Deferred } from "../base/deferred.js";
import { messageOf } from "../base/errors.js";
import { LineSplitter } from "../base/lineSplitter.js";
import type { Log } from "../base/log.js";
import type { AcpOptions } from "./acpOptions.js";
import { type DaemonReach, NoDaemon } from "./daemonReach.js";
import { connectInside } from "./insideConnection.js";
import { openServer } from "./openServer.js";
import type { ServeIo } from "./serve.js";
import { defaultServeOptions } from "./serveOptions.js";
import { openServerLog } from "./serverLog.js";

/** The exit code where no daemon serves: a service that is unavailable, of `sysexits.h`. */
const noDaemonExitCode = 69;

/** Serves an editor until it goes; resolves with the exit code. */
export async function acp(
  options: AcpOptions,
  io: ServeIo,
  reach: () => DaemonReach,
): Promise<number> {
  return options.attach ? throughDaemon(options, io, reach()) : withOwnServer(options, io);
}

async function withOwnServer(options: AcpOptions, io: ServeIo): Promise<number> {
  const all = { ...defaultServeOptions, ...options };
  const opened = await openServer(all, io, { isShared: true });
  if (opened === undefined) return 1;
  const { server, ending, endTurns, close, log } = opened;
  const editor = serveEditor(options, io, (fromServer) => connectInside(server, fromServer));
  void closedOf(editor, log).then(() =>
    ending.resolve({ cause: "disconnect", exitCode: 0, hasClientLeft: true }),
  );
  io.onTerminate(() => ending.resolve({ cause: "shutdown", exitCode: 0, hasClientLeft: false }));
  const { cause, exitCode, hasClientLeft } = await ending.promise;
  if (hasClientLeft) editor.leave();
  const hasEnded = await endTurns(cause);
  editor.leave();
  return close(hasEnded, exitCode);
}

async function throughDaemon(
  options: AcpOptions,
  io: ServeIo,
  reach: DaemonReach,
): Promise<number> {
  const { log, close } = openServerLog(options, io.logSink);
  const lost = new Deferred<number>();
  try {
    // Whether there is a daemon is known before the editor is answered.
    const first = await (options.start ? reach.connectOrStart() : reach.connect());
    first.destroy();
  } catch (error) {
    const hint = error instanceof NoDaemon ? "; start one with `turnwire daemon start`" : "";
    io.logSink.write(`turnwire: ${messageOf(error)}${hint}\n`);
    await close();
    return error instanceof NoDaemon ? noDaemonExitCode : 1;
  }
  const editor = serveEditor(options, io, (fromServer) =>
    connectToDaemon(reach, fromServer, (error) => {
      log.error({ reason: messageOf(error) }, "the daemon was lost");
      lost.resolve(1);
    }),
  );
  const asked = new Promise<number>((resolve) => io.onTerminate(() => resolve(0)));
  const exitCode = await Promise.race([closedOf(editor, log).then(() => 0), asked, lost.promise]);
  editor.leave();
  await close();
  return exitCode;
}

function serveEditor(options: AcpOptions, io: ServeIo, open: OpenConnection): ServedEditor {
  const { input, output, ids, clock, version } = io;
  return serveAcp({
    input,
    output,
    version,
    open,
    goesOn: options.goesOn,
    newId: (prefix) => ids.next(prefix),
    patience: () => AbortSignal.timeout(options.questionSeconds * 1000),
    soon: (run) => clock.soon(run),
  });
}

async function closedOf(editor: ServedEditor, log: Log): Promise<void> {
  try {
    await editor.closed;
    log.info({}, "the editor is gone");
  } catch (error) {
    log.info({ reason: messageOf(error) }, "the editor is gone");
  }
}

/** A client of the daemon on a socket of its own. */
function connectToDaemon(
  reach: DaemonReach,
  fromServer: Parameters<OpenConnection>[0],
  onLost: (error: unknown) => void,
): TurnwirePeer {
  let isLeft = false;
  const socket = reach.connect();
  const peer: TurnwirePeer = new TurnwirePeer(
    fromServer,
    (message) =>
      void socket.then(
        (open) => open.write(`${JSON.stringify(message)}\n`),
        () => {},
      ),
    () => {
      isLeft = true;
      void socket.then(
        (open) => open.end(),
        () => {},
      );
    },
  );
  const carry = async () => {
    try {
      await carryMessages(await socket, peer);
      if (!isLeft) onLost(new Error("it closed its socket"));
    } catch (error) {
      if (!isLeft) onLost(error);
    }
  };
  void carry();
  return peer;
}

/** Hands over one message after the other: a slow editor holds the daemon's socket back. */
async function carryMessages(socket: Socket, peer: TurnwirePeer): Promise<void> {
  const splitter = new LineSplitter(Number.POSITIVE_INFINITY);
  for await (const chunk of socket) {
    for (const { text } of splitter.push(chunk as Uint8Array)) {
      if (text !== "") await peer.deliver(JSON.parse(text));
    }
  }
}
