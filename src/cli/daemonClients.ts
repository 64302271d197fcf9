// The connections of a daemon, each with its own framing and its own end (protocol.md section 2, The
// daemon).
import type { Socket } from "node:net";
import { type Clock, sleep } from "../base/clock.js";
import { defined } from "../base/defined.js";
import type { Log } from "../base/log.js";
import type { Server } from "../compose.js";
import type { DaemonControl } from "../rpc/connectionHandlers.js";
import type { ServedConnection } from "../rpc/serverConnection.js";
import { openChannel } from "../transport/channel.js";
import type { ChannelWatch } from "../transport/channelWatch.js";
import { type ServerIo, watchProcess } from "./openServer.js";

/** How long a client that has ended its input may take to read the answers, in milliseconds. */
const answerMs = 2000;
/** How long a client may take to read its last bytes, in milliseconds. */
const flushMs = 1000;

/** What the connections need. */
export interface DaemonClientsOptions extends Pick<ServerIo, "lifeOf"> {
  readonly server: Pick<Server, "connect">;
  readonly control: DaemonControl;
  readonly maxMessageBytes: number;
  readonly watched: ChannelWatch["at"];
  readonly clock: Clock;
  readonly log: Log;
  /** Called when the number of connections has changed. */
  onChange(): void;
}

interface Client {
  readonly connection: ServedConnection;
  /** Ends the connection, after the answers that are due. */
  end(): Promise<void>;
}

/** All connections of a daemon. */
export class DaemonClients {
  readonly #options: DaemonClientsOptions;
  readonly #clients = new Set<Client>();
  #isDraining = false;
  #accepted = 0;

  constructor(options: DaemonClientsOptions) {
    this.#options = options;
  }

  /** How many there are. */
  get count(): number {
    return this.#clients.size;
  }

  /** Serves a client until it goes, or {@link end} is called. */
  accept(socket: Socket): void {
    const { server, control, maxMessageBytes, watched, clock, log, onChange } = this.#options;
    this.#accepted += 1;
    const pipe = `client ${this.#accepted}`;
    const channel = openChannel({
      input: socket,
      output: socket,
      framing: "auto",
      log,
      maxMessageBytes,
      watch: { pipe, at: watched },
    });
    let stopWatching = () => {};
    const connection = server.connect(channel, {
      daemon: control,
      watchParent: (processId) => {
        stopWatching = watchProcess(processId, this.#options, log, () => void end());
      },
    });
    if (this.#isDraining) connection.refuseRuns();
    let ended: Promise<void> | undefined;
    const close = async () => {
      stopWatching();
      // What it holds is given up at once, and its completions may reach it elsewhere.
      connection.leave();
      await Promise.race([connection.answered(), sleep(clock, answerMs)]);
      connection.close();
      await Promise.race([channel.flushed(), sleep(clock, flushMs)]);
      channel.dispose();
      await closeSocket(socket, clock);
      this.#clients.delete(client);
      watched.watcher?.closed(pipe);
      onChange();
    };
    const end = () => {
      ended ??= close();
      return ended;
    };
    const client: Client = { connection, end };
    this.#clients.add(client);
    void connection.exitAsked.then(end);
    void channel.closed.then(({ kind, ...why }) => {
      log.debug({ end: kind, ...defined(why) }, "a client is gone");
      return end();
    });
    onChange();
  }

  /** From now on nothing new is begun for any client. */
  refuseRuns(): void {
    this.#isDraining = true;
    for (const { connection } of this.#clients) connection.refuseRuns();
  }

  /** From now on no request of any client is taken. */
  refuseRequests(): void {
    for (const { connection } of this.#clients) connection.refuseRequests();
  }

  /** Ends every connection. */
  async end(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.end()));
  }
}

/** Ends our side; a client that does not end its own loses the connection after a while. */
async function closeSocket(socket: Socket, clock: Clock): Promise<void> {
  if (socket.destroyed) return;
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.end();
  socket.resume();
  await Promise.race([closed, sleep(clock, flushMs)]);
  socket.destroy();
}
