// Daemons of one data directory inside a test's process: the real ones, with their real locks, sockets and
// notes, over a server that only counts runs. Each can be killed at any moment, as the system would do it.
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { Writable } from "node:stream";
import { ResponseError } from "vscode-jsonrpc/node";
import { type Clock, sleep } from "../../src/base/clock.js";
import { Deferred } from "../../src/base/deferred.js";
import type { DaemonEnd, LaunchedDaemon } from "../../src/cli/daemonLaunch.js";
import { type DaemonNote, DaemonPlace } from "../../src/cli/daemonPlace.js";
import { DaemonReach } from "../../src/cli/daemonReach.js";
import { type DaemonIo, type DaemonsServer, daemon } from "../../src/cli/daemonServer.js";
import type { Ending } from "../../src/cli/openServer.js";
import { OpenRequests } from "../../src/rpc/openRequests.js";
import { type DaemonLock, takeDaemonLock } from "../../src/storage/daemonLock.js";
import { type LocalListener, listenLocally } from "../../src/transport/localSocket.js";
import { LogSink } from "../../src/transport/logSink.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { CountingIds, promisesHaveRun, VirtualScheduler } from "../helpers/virtualScheduler.js";

/** A turn of the event loop brings a message one step further; so many bring an answer. */
const turnsOfAnAnswer = 12;

/** How a process is started. */
export interface Launch {
  readonly version: number;
  /** How long it takes until it looks at the data directory, in milliseconds. */
  readonly startMs: number;
  /** 0: it stays. */
  readonly idleSeconds: number;
  /** So many turns of the event loop it takes to open its server, and to write a note. */
  readonly slowness: number;
  /** Its server cannot be opened. */
  readonly fails: boolean;
}

/** What happens to it. */
export interface HouseEvents {
  /** A process ended by itself, or was killed. */
  onEnd(ended: DaemonProcess): void;
}

/** Every process that was started, in its order. */
export class DaemonHouse {
  readonly clock = new VirtualScheduler();
  readonly processes: DaemonProcess[] = [];
  readonly dataDirectory: string;
  readonly #events: HouseEvents;

  constructor(dataDirectory: string, events: HouseEvents) {
    this.dataDirectory = dataDirectory;
    this.#events = events;
  }

  get living(): DaemonProcess[] {
    return this.processes.filter(({ isAlive }) => isAlive);
  }

  /** The one that lets clients in. */
  get serving(): DaemonProcess | undefined {
    return this.living.find(({ isListening }) => isListening);
  }

  get place(): DaemonPlace {
    return new DaemonPlace(this.#placeOptions);
  }

  launch(how: Launch): DaemonProcess {
    const started = new DaemonProcess(how, this.processes.length + 1, this);
    this.processes.push(started);
    void started.ended.then(() => this.#events.onEnd(started));
    return started;
  }

  /** The way of a command of some version, which starts daemons as `how` says. */
  reach(how: Launch): DaemonReach {
    return new DaemonReach({
      ...this.#placeOptions,
      clock: this.clock,
      launch: () => this.launch(how),
      lifeOf: (pid) => (this.processes[pid - 1]?.isAlive === true ? `life ${pid}` : undefined),
    });
  }

  /** Moves on by turns of the event loop; no time passes. */
  async turn(turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await this.clock.settle();
  }

  /** Moves on by time: what a timer brings about happens before the next one. */
  async wait(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    for (;;) {
      await this.turn(turnsOfAnAnswer);
      const { nextIn } = this.clock;
      if (nextIn === undefined || this.clock.now() + nextIn > until) break;
      this.clock.fireNext();
    }
    await this.clock.advance(until - this.clock.now());
  }

  get #placeOptions() {
    return {
      dataDirectory: this.dataDirectory,
      env: {},
      platform: process.platform,
      userId: process.getuid?.(),
    };
  }
}

/** One process: it runs until its end, or until it is killed. */
export class DaemonProcess implements LaunchedDaemon {
  readonly how: Launch;
  readonly pid: number;
  readonly ended: Promise<DaemonEnd>;
  isAlive = true;
  /** The exit code of one that ended by itself. */
  code: number | undefined;
  holdsLock = false;
  isListening = false;
  /** A client has asked it to make room, or a person to end. */
  isAskedToEnd = false;
  isDraining = false;
  openRuns = 0;
  readonly sockets = new Set<Socket>();
  readonly #house: DaemonHouse;
  readonly #end = new Deferred<DaemonEnd>();
  readonly #never = new Promise<never>(() => {});
  #lock: DaemonLock | undefined;
  #listener: LocalListener | undefined;
  #whenIdle: (() => void)[] = [];
  #terminate = () => {};

  constructor(how: Launch, pid: number, house: DaemonHouse) {
    this.how = how;
    this.pid = pid;
    this.#house = house;
    this.ended = this.#end.promise;
    void this.#run();
  }

  /** Whether its socket is where it has put it. */
  get isInPlace(): boolean {
    return this.#listener?.isInPlace === true;
  }

  leave(): void {}

  /** SIGTERM. */
  terminate(): void {
    this.isAskedToEnd = true;
    this.#terminate();
  }

  /** A run ends. */
  endRun(): void {
    this.openRuns = Math.max(0, this.openRuns - 1);
    if (this.openRuns === 0) for (const tell of this.#whenIdle.splice(0)) tell();
  }

  /** SIGKILL: nothing more of it happens, and the system closes what it had open. Its files stay. */
  kill(): void {
    if (!this.isAlive) return;
    this.#gone();
    const path = join(this.#house.dataDirectory, "daemon.sock");
    if (this.#listener?.isInPlace === true) {
      // Closing would remove the file.
      renameSync(path, `${path}.aside`);
      this.#listener.close();
      renameSync(`${path}.aside`, path);
    } else this.#listener?.close();
    this.#lock?.release();
    for (const socket of this.sockets) socket.destroy();
    this.#end.resolve({});
  }

  #gone(): void {
    this.isAlive = false;
    this.holdsLock = false;
    this.isListening = false;
  }

  async #run(): Promise<void> {
    const clock = this.#clock();
    await sleep(clock, this.how.startMs);
    const options = {
      idleSeconds: this.how.idleSeconds,
      lingerSeconds: 0,
      logLevel: "silent",
      maxMessageBytes: 1_000_000,
      inspect: false,
      dataDir: this.#house.dataDirectory,
    } as const;
    const code = await daemon(options, this.#io(clock), {
      takeLock: (directory) => this.#takeLock(directory, clock),
      listen: (...args) => this.#listen(...args),
      placeOf: (placeOptions) => new SlowPlace(placeOptions, () => this.#slowly()),
      open: () => this.#open(),
    });
    if (!this.isAlive) return;
    this.#gone();
    this.code = code;
    this.#end.resolve({ code });
  }

  /** Goes on after a while, unless it was killed meanwhile. */
  async #slowly(): Promise<void> {
    for (let turn = 0; turn < this.how.slowness; turn++) await promisesHaveRun();
    if (!this.isAlive) await this.#never;
  }

  async #takeLock(directory: string, clock: Clock): Promise<DaemonLock | undefined> {
    const lock = await takeDaemonLock(directory, clock);
    if (lock === undefined) return undefined;
    this.holdsLock = true;
    this.#lock = lock;
    return {
      get isInPlace() {
        return lock.isInPlace;
      },
      release: () => {
        this.holdsLock = false;
        lock.release();
      },
    };
  }

  async #listen(...[path, owner, onConnection]: Parameters<typeof listenLocally>) {
    const listener = await listenLocally(path, owner, (socket) => {
      if (!this.isAlive) return void socket.destroy();
      this.sockets.add(socket);
      socket.once("close", () => this.sockets.delete(socket));
      onConnection(socket);
    });
    this.#listener = listener;
    this.isListening = true;
    return {
      get isInPlace() {
        return listener.isInPlace;
      },
      close: () => {
        this.isListening = false;
        listener.close();
      },
      leave: async (clock: Pick<Clock, "soon">) => {
        this.isListening = false;
        await listener.leave(clock);
      },
    };
  }

  async #open(): Promise<DaemonsServer | undefined> {
    await this.#slowly();
    if (this.how.fails) {
      this.#say("the server could not start\n");
      return undefined;
    }
    const house = this;
    return {
      log: recordingLog().log,
      reopenLog() {},
      watched: {},
      ending: new Deferred<Ending>(),
      endTurns: async () => {
        this.openRuns = 0;
        return true;
      },
      close: async (_hasEnded, exitCode) => exitCode,
      server: {
        get isBusy() {
          return house.openRuns > 0;
        },
        isRelaying: false,
        openWorkspaces: 0,
        takeNoMore() {},
        whenIdle: () =>
          new Promise((resolve) => {
            if (this.openRuns === 0) resolve();
            else this.#whenIdle.push(resolve);
          }),
        connect: (channel, hooks) => this.#serve(channel, hooks),
      },
    };
  }

  #serve(
    { connection }: Parameters<DaemonsServer["server"]["connect"]>[0],
    { daemon: control }: Parameters<DaemonsServer["server"]["connect"]>[1],
  ): ReturnType<DaemonsServer["server"]["connect"]> {
    const open = new OpenRequests();
    let refusesRuns = false;
    let refusesAll = false;
    const answer = <T>(give: () => T | Promise<T>) => {
      if (refusesAll) throw new ResponseError(-32000, "ServerShuttingDown");
      return open.add((async () => give())());
    };
    connection.onRequest("daemonStatus", () => answer(() => control?.status() ?? {}));
    connection.onRequest("stopDaemon", ({ drain = false }: { drain?: boolean }) =>
      answer(async () => {
        this.isAskedToEnd = true;
        this.isDraining ||= drain;
        await control?.stop(drain);
        return {};
      }),
    );
    connection.onRequest("begin", () =>
      answer(() => {
        if (refusesRuns) throw new ResponseError(-32000, "ServerShuttingDown");
        this.openRuns += 1;
        return {};
      }),
    );
    connection.listen();
    return {
      exitAsked: this.#never,
      refuseRequests() {
        refusesAll = true;
      },
      refuseRuns() {
        refusesRuns = true;
      },
      answered: () => open.none(),
      leave() {},
      close() {},
    };
  }

  #io(clock: Clock): DaemonIo {
    return {
      clock,
      logSink: new LogSink(
        new Writable({
          write: (text, _encoding, done) => {
            this.#say(text.toString());
            done();
          },
        }),
      ),
      env: {},
      resolvePath: (path) => path,
      version: `${this.how.version}`,
      ids: new CountingIds(),
      isFirstProcess: false,
      processId: this.pid,
      processNamespace: undefined,
      lifeOf: () => undefined,
      onTerminate: (end) => {
        this.#terminate = () => {
          if (this.isAlive) end();
        };
        if (this.isAskedToEnd) this.#terminate();
      },
      onInspect() {},
      onUncaught() {},
      exit() {},
      platform: process.platform,
      userId: process.getuid?.(),
      setMask: () => 0o022,
      onHangUp() {},
    };
  }

  #say(text: string): void {
    appendFileSync(join(this.#house.dataDirectory, "daemon.log"), text);
  }

  /** The time that goes on without one that was killed. */
  #clock(): Clock {
    const { clock } = this.#house;
    const whileAlive = (run: () => void) => () => {
      if (this.isAlive) run();
    };
    return {
      now: () => clock.now(),
      after: (ms, run) => clock.after(ms, whileAlive(run)),
      soon: (run) => clock.soon(whileAlive(run)),
    };
  }
}

/** A place whose note is written whole, at a moment that the history knows. */
class SlowPlace extends DaemonPlace {
  readonly #directory: string;
  readonly #slowly: () => Promise<void>;

  constructor(options: ConstructorParameters<typeof DaemonPlace>[0], slowly: () => Promise<void>) {
    super(options);
    this.#directory = options.dataDirectory;
    this.#slowly = slowly;
  }

  override async write(note: DaemonNote): Promise<void> {
    await this.#slowly();
    writeFileSync(join(this.#directory, "daemon.json"), `${JSON.stringify(note)}\n`);
  }
}
