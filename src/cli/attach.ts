// `turnwire serve --attach`: a thin pipe between stdio and the daemon's socket (protocol.md section 2, The
// daemon). It changes no byte.
import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { type Clock, sleep } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import { differingVariables } from "./daemonEnvironment.js";
import { noDaemonExitCode } from "./daemonExit.js";
import { type DaemonReach, NoDaemon } from "./daemonReach.js";
import { Farewell } from "./farewell.js";

/** How long the daemon may take to answer the last requests of a client that has gone, in milliseconds. */
const lastAnswersMs = 10_000;

/** What attaching needs of its process. */
export interface AttachIo {
  readonly input: Readable;
  readonly output: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly reach: DaemonReach;
  readonly clock: Clock;
  writeError(line: string): void;
  /** Calls back when the process is to end. */
  onTerminate(callback: () => void): void;
}

/** Pipes until one side ends; resolves with the exit code. */
export async function attach(
  { start }: { readonly start: boolean },
  io: AttachIo,
): Promise<number> {
  const { reach, env } = io;
  let socket: Socket;
  try {
    socket = await (start ? reach.connectOrStart() : reach.connect());
    const { environment, version } = await reach.ask("daemonStatus", {});
    for (const name of differingVariables(env, environment)) {
      io.writeError(
        `turnwire: the daemon (version ${version}) was started with another ${name}, and uses that`,
      );
    }
  } catch (error) {
    const hint = error instanceof NoDaemon ? "; start one with `turnwire daemon start`" : "";
    io.writeError(`turnwire: ${messageOf(error)}${hint}`);
    return error instanceof NoDaemon ? noDaemonExitCode : 1;
  }
  return pipe(socket, io);
}

async function pipe(
  socket: Socket,
  { input, output, clock, writeError, onTerminate }: AttachIo,
): Promise<number> {
  const farewell = new Farewell();
  const client = new Promise<"client">((resolve) => {
    input.on("data", (chunk: Buffer) => farewell.push(chunk));
    input.once("end", () => resolve("client"));
    input.once("error", () => resolve("client"));
    onTerminate(() => resolve("client"));
    // Nobody reads the answers any more.
    output.once("error", () => resolve("client"));
    output.once("close", () => resolve("client"));
  });
  const daemon = new Promise<"daemon">((resolve) => {
    socket.once("end", () => resolve("daemon"));
    socket.once("close", () => resolve("daemon"));
  });
  input.pipe(socket);
  socket.pipe(output, { end: false });
  const first = await Promise.race([client, daemon]);
  if (first === "client") {
    socket.end();
    await Promise.race([daemon, sleep(clock, lastAnswersMs)]);
  }
  await flushed(output);
  socket.destroy();
  if (farewell.said === "exit") return 1;
  if (first === "client" || farewell.said === "shutdown and exit") return 0;
  writeError("turnwire: the daemon was lost");
  return 1;
}

/** Resolves when the output has taken everything, or never can. */
function flushed(output: Writable): Promise<void> {
  if (output.destroyed || output.writableLength === 0) return Promise.resolve();
  return new Promise((resolve) => {
    output.write(Buffer.alloc(0), () => resolve());
    output.once("error", () => resolve());
    output.once("close", () => resolve());
  });
}
