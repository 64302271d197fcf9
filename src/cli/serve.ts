// `turnwire serve` (protocol.md sections 1 and 11): one client over stdio, from its first byte to the
// process's end.
import type { Readable, Writable } from "node:stream";
import { sleep } from "../base/clock.js";
import { openChannel } from "../transport/channel.js";
import { type OpenServer, openServer, type ServerIo, watchProcess } from "./openServer.js";
import type { ServeOptions } from "./serveOptions.js";

/** How long the end of the server waits for a client to read its bytes, in milliseconds. */
const flushMs = 1000;

/** What a server of one client needs of its process. */
export interface ServeIo extends ServerIo {
  readonly input: Readable;
  readonly output: Writable;
}

/** Serves one client; resolves with the exit code once every turn has ended and is on disk. */
export async function serve(options: ServeOptions, io: ServeIo): Promise<number> {
  const opened = await openServer(options, io, { isShared: false });
  if (opened === undefined) return 1;
  const { hasEnded, exitCode } = await serveClient(opened, options, io);
  return opened.close(hasEnded, exitCode);
}

/** Serves the one client until something ends the server; then ends the running turns. */
async function serveClient(
  { server, ending, log, endTurns, watched }: OpenServer,
  options: ServeOptions,
  io: ServeIo,
): Promise<{ hasEnded: boolean; exitCode: number }> {
  const channel = openChannel({
    input: io.input,
    output: io.output,
    framing: options.framing,
    log,
    maxMessageBytes: options.maxMessageBytes,
    watch: { pipe: "", at: watched },
  });
  let wasShutDown = false;
  const clientGone = { cause: "disconnect", exitCode: 0, hasClientLeft: true } as const;
  const connection = server.connect(channel, {
    onShutdown() {
      wasShutDown = true;
    },
    watchParent: (processId) =>
      void watchProcess(processId, io, log, () => ending.resolve(clientGone)),
  });
  void connection.exitAsked.then(() =>
    ending.resolve({ cause: "shutdown", exitCode: wasShutDown ? 0 : 1, hasClientLeft: true }),
  );
  void channel.closed.then((end) => {
    log.info({ end: end.kind }, "the client is gone");
    ending.resolve(clientGone);
  });
  io.onTerminate(() => ending.resolve({ cause: "shutdown", exitCode: 0, hasClientLeft: false }));
  const { cause, exitCode, hasClientLeft } = await ending.promise;
  connection.refuseRequests();
  // The client may be connected again, to another server, while its turns go on here.
  if (hasClientLeft) connection.leave();
  const hasEnded = await endTurns(cause);
  connection.close();
  await Promise.race([channel.flushed(), sleep(io.clock, flushMs)]);
  channel.dispose();
  return { hasEnded, exitCode };
}
