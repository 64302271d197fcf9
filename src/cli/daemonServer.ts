// `turnwire daemon`: serves a data directory to every client that connects to its socket, until it is
// stopped or nobody needs it any more (protocol.md section 2, The daemon).
import { toRfc3339 } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Result } from "../protocol/registry.js";
import { type DaemonLock, takeDaemonLock } from "../storage/daemonLock.js";
import { makeDataDirectory } from "../storage/dataDirectory.js";
import { type FileOwner, type LocalListener, listenLocally } from "../transport/localSocket.js";
import { DaemonClients } from "./daemonClients.js";
import { environmentDigests } from "./daemonEnvironment.js";
import { otherDaemonExitCode } from "./daemonExit.js";
import type { DaemonOptions } from "./daemonOptions.js";
import { DaemonPlace } from "./daemonPlace.js";
import { dataDirectoryOf, type OpenServer, openServer, type ServerIo } from "./openServer.js";

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

/** Serves until the daemon ends; resolves with the exit code. */
export async function daemon(options: DaemonOptions, io: DaemonIo): Promise<number> {
  let place: DaemonPlace;
  let lock: DaemonLock | undefined;
  try {
    const dataDirectory = dataDirectoryOf(options, io);
    makeDataDirectory(dataDirectory);
    place = new DaemonPlace({ ...io, dataDirectory });
    lock = takeDaemonLock(place.dataDirectory);
  } catch (error) {
    io.logSink.write(`turnwire: ${messageOf(error)}\n`);
    return 1;
  }
  if (lock === undefined) {
    io.logSink.write(`turnwire: a daemon serves ${place.dataDirectory} already\n`);
    return otherDaemonExitCode;
  }
  try {
    const opened = await openServer(options, io, { isShared: true });
    if (opened === undefined) return 1;
    return await new Daemon(options, io, place, lock, opened).serve();
  } finally {
    lock.release();
  }
}

/** A daemon that has its lock and its server. */
class Daemon {
  readonly #options: DaemonOptions;
  readonly #io: DaemonIo;
  readonly #place: DaemonPlace;
  readonly #lock: DaemonLock;
  readonly #opened: OpenServer;
  readonly #clients: DaemonClients;
  readonly #startedAt: number;
  #listener: LocalListener | undefined;
  #address = "";
  #hasMadeRoom = false;
  /** Why it could not listen anew. It is told once. */
  #toldReason: string | undefined;
  #neededAt: number;

  constructor(
    options: DaemonOptions,
    io: DaemonIo,
    place: DaemonPlace,
    lock: DaemonLock,
    opened: OpenServer,
  ) {
    this.#options = options;
    this.#io = io;
    this.#place = place;
    this.#lock = lock;
    this.#opened = opened;
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
      await this.#listen();
    } catch (error) {
      log.error({ reason: messageOf(error) }, "the daemon could not listen");
      this.#io.logSink.write(`turnwire: ${messageOf(error)}\n`);
      ending.resolve({ cause: "shutdown", exitCode: 1, hasClientLeft: true });
    }
    log.info({ address: this.#address }, "the daemon serves");
    this.#lookWhetherNeeded();
    this.#lookWhetherInPlace();
    const { cause, exitCode } = await ending.promise;
    this.#makeRoom();
    this.#clients.refuseRequests();
    const hasEnded = await endTurns(cause);
    await this.#clients.end();
    return close(hasEnded, exitCode);
  }

  async #listen(): Promise<void> {
    this.#address = this.#place.newAddress();
    const listener = await listenLocally(this.#address, this.#io, (socket) =>
      this.#clients.accept(socket),
    );
    if (this.#hasMadeRoom) return listener.close();
    this.#listener = listener;
    await this.#note("serving");
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
    if (!this.#lock.isInPlace) {
      log.error({}, "the data directory was deleted or replaced; the daemon ends");
      ending.resolve({ cause: "shutdown", exitCode: 1, hasClientLeft: false });
      return;
    }
    const listener = this.#listener;
    if (listener !== undefined && !listener.isInPlace) {
      try {
        listener.close();
        await this.#listen();
        log.warn({ address: this.#address }, "the socket was gone; the daemon listens anew");
      } catch (error) {
        const reason = messageOf(error);
        if (reason !== this.#toldReason) log.error({ reason }, "the daemon could not listen");
        this.#toldReason = reason;
      }
    }
    this.#lookWhetherInPlace();
  }

  #end(): void {
    this.#opened.ending.resolve({ cause: "shutdown", exitCode: 0, hasClientLeft: false });
  }

  /** Answers when another daemon can come; the end itself comes after the answer. */
  async #stop(drain: boolean): Promise<void> {
    const { server } = this.#opened;
    if (drain) await this.#note("leaving");
    this.#makeRoom();
    if (!drain) {
      this.#io.clock.soon(() => this.#end());
      return;
    }
    this.#clients.refuseRuns();
    server.takeNoMore();
    void server.whenIdle().then(() => this.#io.clock.soon(() => this.#end()));
  }

  /** From now on no client can connect, and another daemon can take the place. */
  #makeRoom(): void {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#hasMadeRoom = true;
    if (listener === undefined) return;
    listener.close();
    // In the place of a data directory that was replaced, the note is another daemon's.
    const isOwn = this.#lock.isInPlace && this.#place.note?.state === "serving";
    if (isOwn) this.#place.forget();
    this.#lock.release();
  }

  async #note(state: "serving" | "leaving"): Promise<void> {
    const { version, processId: pid, clock } = this.#io;
    await this.#place.write({ address: this.#address, pid, version, state, at: clock.now() });
  }

  #lookWhetherNeeded(): void {
    const { idleSeconds } = this.#options;
    if (idleSeconds === 0) return;
    const { clock } = this.#io;
    const look = () => {
      const { isBusy, isRelaying } = this.#opened.server;
      if (this.#clients.count > 0 || isBusy || isRelaying) this.#neededAt = clock.now();
      if (clock.now() - this.#neededAt >= idleSeconds * 1000) {
        this.#opened.log.info({ idleSeconds }, "nobody has needed the daemon for long; it ends");
        this.#end();
      } else clock.after(betweenMs, look);
    };
    const betweenMs = Math.min(longestLookMs, (idleSeconds * 1000) / 4);
    clock.after(betweenMs, look);
  }

  #status(): Result<"daemonStatus"> {
    const { server } = this.#opened;
    return {
      pid: this.#io.processId,
      version: this.#io.version,
      dataDirectory: this.#place.dataDirectory,
      startedAt: toRfc3339(this.#startedAt),
      connections: this.#clients.count,
      workspaces: server.openWorkspaces,
      isBusy: server.isBusy,
      environment: environmentDigests(this.#io.env),
    };
  }
}
