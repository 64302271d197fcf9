// `turnwire daemon`: serves a data directory to every client that connects to its socket, until it is
// stopped or nobody needs it any more (protocol.md section 2, The daemon).
import { toRfc3339 } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Server } from "../compose.js";
import type { Result } from "../protocol/registry.js";
import { type DaemonLock, takeDaemonLock } from "../storage/daemonLock.js";
import { makeDataDirectory } from "../storage/dataDirectory.js";
import { type FileOwner, listenLocally } from "../transport/localSocket.js";
import { DaemonClients } from "./daemonClients.js";
import { environmentDigests } from "./daemonEnvironment.js";
import { otherDaemonExitCode } from "./daemonExit.js";
import type { DaemonOptions } from "./daemonOptions.js";
import { DaemonPlace, type DaemonPlaceOptions } from "./daemonPlace.js";
import { DaemonSeat } from "./daemonSeat.js";
import {
  dataDirectoryOf,
  type OpenServer,
  type OwnServerOptions,
  openServer,
  type ServerIo,
} from "./openServer.js";

/** What a daemon needs of its process. */
export interface DaemonIo extends ServerIo, FileOwner {
  readonly platform: NodeJS.Platform;
  /** Calls back at each SIGHUP, where that is no wish to end. */
  onHangUp(callback: () => void): void;
}

/** The longest time between two looks at whether anybody needs the daemon, in milliseconds. */
const longestLookMs = 15_000;

/** The time between two looks at whether clients can find it, in milliseconds. */
const betweenPlaceLooksMs = 1000;

/** What a daemon is made of; tests pass others. */
export interface DaemonParts {
  readonly takeLock: typeof takeDaemonLock;
  readonly listen: typeof listenLocally;
  readonly placeOf: (options: DaemonPlaceOptions) => DaemonPlace;
  readonly open: (
    options: OwnServerOptions,
    io: ServerIo,
    how: { readonly isShared: true },
  ) => Promise<DaemonsServer | undefined>;
}

/** What a daemon needs of its server. */
export interface DaemonsServer extends Omit<OpenServer, "server" | "dataDirectory"> {
  readonly server: Pick<
    Server,
    "connect" | "isBusy" | "isRelaying" | "openWorkspaces" | "takeNoMore" | "whenIdle"
  >;
}

const ownParts: DaemonParts = {
  takeLock: takeDaemonLock,
  listen: listenLocally,
  placeOf: (options) => new DaemonPlace(options),
  open: openServer,
};

/** Serves until the daemon ends; resolves with the exit code. */
export async function daemon(
  options: DaemonOptions,
  io: DaemonIo,
  parts: DaemonParts = ownParts,
): Promise<number> {
  let place: DaemonPlace;
  let lock: DaemonLock | undefined;
  try {
    const dataDirectory = dataDirectoryOf(options, io);
    makeDataDirectory(dataDirectory);
    place = parts.placeOf({ ...io, dataDirectory });
    lock = await parts.takeLock(place.dataDirectory, io.clock);
  } catch (error) {
    io.logSink.write(`turnwire: ${messageOf(error)}\n`);
    return 1;
  }
  if (lock === undefined) {
    io.logSink.write(`turnwire: a daemon serves ${place.dataDirectory} already\n`);
    return otherDaemonExitCode;
  }
  try {
    const opened = await parts.open(options, io, { isShared: true });
    if (opened === undefined) return 1;
    return await new Daemon(options, io, { ...parts, place, lock, opened }).serve();
  } finally {
    lock.release();
  }
}

/** What was opened for a daemon. */
interface Held extends Pick<DaemonParts, "listen"> {
  readonly place: DaemonPlace;
  readonly lock: DaemonLock;
  readonly opened: DaemonsServer;
}

/** A daemon that has its lock and its server. */
class Daemon {
  readonly #options: DaemonOptions;
  readonly #io: DaemonIo;
  readonly #opened: DaemonsServer;
  readonly #seat: DaemonSeat;
  readonly #clients: DaemonClients;
  readonly #startedAt: number;
  #neededAt: number;

  constructor(options: DaemonOptions, io: DaemonIo, { opened, ...seat }: Held) {
    this.#options = options;
    this.#io = io;
    this.#opened = opened;
    this.#seat = new DaemonSeat({
      ...seat,
      io,
      log: opened.log,
      accept: (socket) => this.#clients.accept(socket),
    });
    this.#startedAt = io.clock.now();
    this.#neededAt = this.#startedAt;
    this.#clients = new DaemonClients({
      server: opened.server,
      watched: opened.watched,
      maxMessageBytes: options.maxMessageBytes,
      clock: io.clock,
      log: opened.log,
      lifeOf: (processId) => io.lifeOf(processId),
      control: { status: () => this.#status(), stop: (drain) => this.#stop(drain) },
      onChange: () => {
        this.#neededAt = io.clock.now();
      },
    });
  }

  async serve(): Promise<number> {
    const { ending, endTurns, close, log } = this.#opened;
    this.#io.onTerminate(() => this.#end());
    this.#io.onHangUp(() => this.#opened.reopenLog());
    try {
      await this.#seat.take();
    } catch (error) {
      log.error({ reason: messageOf(error) }, "the daemon could not listen");
      this.#io.logSink.write(`turnwire: ${messageOf(error)}\n`);
      ending.resolve({ cause: "shutdown", exitCode: 1, hasClientLeft: true });
    }
    log.info({ address: this.#seat.address }, "the daemon serves");
    this.#lookWhetherNeeded();
    this.#lookWhetherInPlace();
    const { cause, exitCode } = await ending.promise;
    await this.#seat.makeRoom();
    this.#clients.refuseRequests();
    const hasEnded = await endTurns(cause);
    await this.#clients.end();
    return close(hasEnded, exitCode);
  }

  #lookWhetherInPlace(): void {
    this.#io.clock.after(betweenPlaceLooksMs, () => void this.#keepPlace());
  }

  /**
   * Something may delete the socket (whatever clears temporary folders), or the data directory. Nobody would
   * find the daemon again, and no other one could take its place: so it listens anew, or ends. Never rejects.
   */
  async #keepPlace(): Promise<void> {
    const { log, ending } = this.#opened;
    if (this.#seat.isLost) {
      log.error({}, "the data directory was deleted or replaced; the daemon ends");
      ending.resolve({ cause: "shutdown", exitCode: 1, hasClientLeft: false });
      return;
    }
    await this.#seat.keep();
    this.#lookWhetherInPlace();
  }

  #end(): void {
    this.#opened.ending.resolve({ cause: "shutdown", exitCode: 0, hasClientLeft: false });
  }

  /** Answers when another daemon can come; the end itself comes after the answer. */
  async #stop(drain: boolean): Promise<void> {
    const { server } = this.#opened;
    if (drain) await this.#seat.announce();
    await this.#seat.makeRoom();
    if (!drain) {
      this.#io.clock.soon(() => this.#end());
      return;
    }
    this.#clients.refuseRuns();
    server.takeNoMore();
    void server.whenIdle().then(() => this.#io.clock.soon(() => this.#end()));
  }

  #lookWhetherNeeded(): void {
    const { idleSeconds } = this.#options;
    if (idleSeconds === 0) return;
    const { clock } = this.#io;
    const look = () => {
      const { isBusy, isRelaying } = this.#opened.server;
      if (this.#clients.count > 0 || isBusy || isRelaying) this.#neededAt = clock.now();
      if (clock.now() - this.#neededAt >= idleSeconds * 1000) {
        void this.#endUnneeded();
      } else clock.after(betweenMs, look);
    };
    const betweenMs = Math.min(longestLookMs, (idleSeconds * 1000) / 4);
    clock.after(betweenMs, look);
  }

  /** Ends, unless a client comes at this moment: who comes later finds the lock held, and waits. */
  async #endUnneeded(): Promise<void> {
    const { server, log, ending } = this.#opened;
    try {
      const hasLeft = await this.#seat.leaveUnless(() => this.#clients.count > 0 || server.isBusy);
      if (!hasLeft) return this.#lookWhetherNeeded();
      const { idleSeconds } = this.#options;
      log.info({ idleSeconds }, "nobody has needed the daemon for long; it ends");
      this.#end();
    } catch (error) {
      log.error({ reason: messageOf(error) }, "the daemon could not remove its socket; it ends");
      ending.resolve({ cause: "shutdown", exitCode: 1, hasClientLeft: true });
    }
  }

  #status(): Result<"daemonStatus"> {
    const { server } = this.#opened;
    return {
      pid: this.#io.processId,
      version: this.#io.version,
      dataDirectory: this.#seat.dataDirectory,
      startedAt: toRfc3339(this.#startedAt),
      connections: this.#clients.count,
      workspaces: server.openWorkspaces,
      isBusy: server.isBusy,
      environment: environmentDigests(this.#io.env),
    };
  }
}
