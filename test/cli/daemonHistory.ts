// What protocol.md section 2 promises of daemons, step by step beside the real ones: commands and clients
// that come at any moment, processes that die, what dead ones have left, and the time.
import { once } from "node:events";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { expect } from "vitest";
import { daemonLockName } from "../../src/base/dataFiles.js";
import { messageOf } from "../../src/base/errors.js";
import { daemonCommand } from "../../src/cli/daemonCommand.js";
import type { DaemonAction } from "../../src/cli/daemonOptions.js";
import { takeDaemonLock } from "../../src/storage/daemonLock.js";
import { promisesHaveRun } from "../helpers/virtualScheduler.js";
import { DaemonHouse, type DaemonProcess, type Launch } from "./daemonHouse.js";
import type { DaemonStep } from "./daemonStep.js";

/** The longest that any request may take: a stop waits so long for the end, every other one less. */
const longestRequestMs = 60_000;
/** Within this time a daemon listens anew whose socket was removed. */
const listensAnewMs = 2000;
/** A client looks whether a daemon lives for no longer than this. */
const longestLookMs = 1000;
/** How a request may fail: it says why. */
const clearErrors =
  /no daemon serves|a daemon of .* lives \(process \d+\), but does not|did not start|ServerShuttingDown|is lost|was lost before it answered|has not ended yet|again and again/;

const calm: Launch = { version: 2, startMs: 0, idleSeconds: 0, slowness: 0, fails: false };

type Kind = "connect" | "connectOrStart" | "start" | "stop";

/** A request of a client or a person. */
interface Asked {
  readonly kind: Kind;
  readonly how: Launch;
  readonly since: number;
  /** How much had happened that may spoil a request. */
  readonly troublesBefore: number;
  readonly idleEndsBefore: number;
  readonly servedBy: DaemonProcess | undefined;
  /** Commands that were under way may change what it finds. */
  readonly isAmongOthers: boolean;
  isOpen: boolean;
}

/** A client that is connected. */
interface Client {
  readonly socket: Socket;
  readonly pid: number;
}

/** One history: `take` each step, then `finish`. */
export class DaemonHistory {
  readonly #house: DaemonHouse;
  readonly #asked: Asked[] = [];
  readonly #clients: Client[] = [];
  readonly #failures: unknown[] = [];
  /** What has happened that may spoil the requests of that time, each with its request if it has one. */
  readonly #troubles: (Asked | undefined)[] = [];
  #idleEnds = 0;
  #isSocketRemoved = false;
  #removedAt = 0;
  #look: InstanceType<typeof DatabaseSync> | undefined;

  constructor(dataDirectory: string) {
    this.#house = new DaemonHouse(dataDirectory, { onEnd: (ended) => this.#onEnd(ended) });
  }

  async take(step: DaemonStep): Promise<void> {
    const house = this.#house;
    if (step.type === "spawn") this.#spawn(step.value);
    else if (step.type === "turn") await house.turn(step.value);
    else if (step.type === "wait") await house.wait(step.value);
    else if (step.type === "timer") {
      if (house.clock.nextIn !== undefined) house.clock.fireNext();
    } else if (typeof step.value === "object") this.#ask(step.type as Kind, step.value);
    else if (step.type === "staleSocket") await this.#leaveStaleSocket(String(step.value));
    else if (step.type === "look") await this.#beginLook();
    else if (step.type === "garbageNote") this.#leaveNote(String(step.value));
    else {
      // What is done in one piece is not interrupted.
      await promisesHaveRun();
      this.#take(step.type, Number(step.value));
    }
    this.check();
  }

  #take(type: string, value: number): void {
    const house = this.#house;
    const one = house.living[value % Math.max(1, house.living.length)];
    if (type === "kill" || type === "terminate") {
      this.#troubles.push(undefined);
      one?.[type]();
    } else if (type === "endRun") one?.endRun();
    else if (type === "leave") this.#clients.splice(value, 1)[0]?.socket.end();
    else if (type === "begin") this.#clients[value]?.socket.write(frame("begin"));
    else if (type === "removeSocket") this.#removeSocket();
    else if (type === "lookEnds") this.#endLook();
  }

  #spawn(how: Launch): void {
    if (how.fails) this.#troubles.push(undefined);
    this.#house.launch(how);
  }

  #ask(kind: Kind, how: Launch): void {
    const house = this.#house;
    const asked: Asked = {
      kind,
      how,
      since: house.clock.now(),
      troublesBefore: this.#troubles.length,
      idleEndsBefore: this.#idleEnds,
      servedBy: house.serving?.isInPlace === true ? house.serving : undefined,
      isAmongOthers: this.#asked.some(
        ({ isOpen, kind: other }) => isOpen && (other === "start" || other === "stop"),
      ),
      isOpen: true,
    };
    this.#asked.push(asked);
    if (how.fails || kind === "stop") this.#troubles.push(asked);
    // Clients of another version change nothing: only a command replaces a daemon.
    if (kind === "start") this.#troubles.push(asked);
    const answer = kind === "start" || kind === "stop" ? this.#command(asked) : this.#attach(asked);
    void answer
      .catch((error: unknown) => this.#failures.push(error))
      .finally(() => {
        asked.isOpen = false;
        // What it began may go on after it.
        if (kind === "start" || kind === "stop") this.#troubles.push(asked);
      });
  }

  async #attach(asked: Asked): Promise<void> {
    const reach = this.#house.reach(asked.how);
    let client: Client;
    try {
      const socket = await (asked.kind === "connect" ? reach.connect() : reach.connectOrStart());
      client = await this.#greet(socket);
    } catch (error) {
      this.#judgeFailure(asked, messageOf(error));
      return;
    }
    this.#clients.push(client);
    const { servedBy } = asked;
    if (this.#isCalm(asked) && servedBy !== undefined) expect(client.pid).toBe(servedBy.pid);
  }

  /** Asks who has let it in. */
  async #greet(socket: Socket): Promise<Client> {
    const pid = await new Promise<number>((resolve, reject) => {
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk.toString();
        const line = text.split("\n")[0] ?? "";
        if (!text.includes("\n")) return;
        const told = JSON.parse(line);
        if (told.error !== undefined) reject(new Error(told.error.message));
        else resolve(told.result.pid);
      });
      for (const end of ["end", "close"]) {
        socket.once(end, () => reject(new Error("the daemon is lost")));
      }
      socket.write(frame("daemonStatus"));
    });
    socket.once("close", () => this.#onClose(client));
    const client = { socket, pid };
    return client;
  }

  async #command(asked: Asked): Promise<void> {
    const { version } = asked.how;
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    const options = {
      action: asked.kind as DaemonAction,
      idleSeconds: 0,
      lingerSeconds: 0,
      logLevel: "silent",
      maxMessageBytes: 1_000_000,
      inspect: false,
    } as const;
    const code = await daemonCommand(options, {
      reach: this.#house.reach(asked.how),
      version: `${version}`,
      writeOut: say,
      writeError: say,
    });
    if (code !== 0) return this.#judgeFailure(asked, said.join("\n"));
    if (asked.kind === "start" && this.#isCalm(asked)) {
      // It may have ended by now, because nobody needs it.
      const { serving } = this.#house;
      if (serving !== undefined) expect(serving.how.version, said.join("\n")).toBe(version);
    }
  }

  /** Whether nothing happened that may spoil it, but by itself. */
  #isCalm(asked: Asked): boolean {
    const since = this.#troubles.slice(asked.troublesBefore);
    return !asked.isAmongOthers && since.every((by) => by === asked);
  }

  #judgeFailure(asked: Asked, message: string): void {
    expect(message, `${asked.kind} must say why it fails`).toMatch(clearErrors);
    if (!this.#isCalm(asked)) return;
    if (asked.kind === "connect") {
      // Its daemon may have ended because nobody needed it.
      const isServed = asked.servedBy !== undefined && this.#idleEnds === asked.idleEndsBefore;
      expect(isServed, `connect: ${message}`).toBe(false);
    } else if (!asked.how.fails) expect.fail(`${asked.kind} failed by itself: ${message}`);
  }

  #onEnd(ended: DaemonProcess): void {
    const { code, isAskedToEnd, isDraining } = ended;
    if (code === undefined || code === 75 || isDraining) return;
    if (code === 0 && !isAskedToEnd) {
      this.#idleEnds += 1;
      try {
        expect(ended.how.idleSeconds, "only one with an idle time ends by itself").toBeGreaterThan(
          0,
        );
        expect(ended.openRuns).toBe(0);
      } catch (error) {
        this.#failures.push(error);
      }
    } else this.#troubles.push(undefined);
  }

  #onClose(client: Client): void {
    const at = this.#clients.indexOf(client);
    if (at < 0) return;
    this.#clients.splice(at, 1);
    const its = this.#house.processes[client.pid - 1];
    if (its?.isAskedToEnd === false && (its.isAlive || its.code !== undefined)) {
      this.#failures.push(new Error(`process ${client.pid} has dropped a client`));
    }
  }

  #removeSocket(): void {
    const { serving } = this.#house;
    if (serving === undefined) return;
    this.#troubles.push(undefined);
    this.#isSocketRemoved = true;
    this.#removedAt = this.#house.clock.now();
    rmSync(join(this.#house.dataDirectory, "daemon.sock"), { force: true });
  }

  /** As one that died in the middle of its start, or of its service, leaves it. */
  async #leaveStaleSocket(name: string): Promise<void> {
    if (this.#house.living.some(({ holdsLock }) => holdsLock)) return;
    const path = join(this.#house.dataDirectory, name);
    const server = createServer();
    server.listen(`${path}.aside`);
    await once(server, "listening");
    renameSync(`${path}.aside`, path);
    server.close();
  }

  #leaveNote(text: string): void {
    if (this.#house.living.some(({ holdsLock }) => holdsLock)) return;
    writeFileSync(join(this.#house.dataDirectory, "daemon.json"), text);
  }

  /** A client is in the middle of its look at the lock, which nobody holds. */
  async #beginLook(): Promise<void> {
    await promisesHaveRun();
    const { dataDirectory, living, clock } = this.#house;
    if (this.#look !== undefined || living.some(({ holdsLock }) => holdsLock)) return;
    // Some daemon was here before.
    (await takeDaemonLock(dataDirectory, clock))?.release();
    this.#look = new DatabaseSync(join(dataDirectory, daemonLockName), { readOnly: true });
    this.#look.exec("BEGIN");
    this.#look.prepare("SELECT count(*) FROM sqlite_master").get();
    clock.after(longestLookMs, () => this.#endLook());
  }

  #endLook(): void {
    // A statement that was prepared would keep a closed file.
    this.#look?.exec("COMMIT");
    this.#look?.close();
    this.#look = undefined;
  }

  /** What is true at every moment. */
  check(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
    const house = this.#house;
    const { living, clock } = house;
    const holders = living.filter(({ holdsLock }) => holdsLock);
    const listeners = living.filter(({ isListening }) => isListening);
    expect(holders.length, "one holds the lock").toBeLessThanOrEqual(1);
    expect(listeners.length, "one listens").toBeLessThanOrEqual(1);
    const [serving] = listeners;
    if (serving !== undefined) {
      expect(serving.holdsLock, "only the holder of the lock listens").toBe(true);
      if (serving.isInPlace) this.#isSocketRemoved = false;
      const mayBeGone = this.#isSocketRemoved && clock.now() - this.#removedAt < listensAnewMs;
      expect(serving.isInPlace || mayBeGone, "nobody removes another one's socket").toBe(true);
    }
    for (const { isOpen, since, kind } of this.#asked) {
      if (isOpen) expect(clock.now() - since, kind).toBeLessThan(longestRequestMs);
    }
  }

  /** In the end everything is calm: whatever is left behind, the next command gets its daemon. */
  async finish(): Promise<void> {
    const house = this.#house;
    this.#endLook();
    for (let rounds = 0; this.#asked.some(({ isOpen }) => isOpen); rounds++) {
      await this.#calmWait(5000);
      expect(rounds, "every request ends").toBeLessThan(15);
    }
    // What was asked last may still begin.
    await this.#calmWait(6000);
    await this.#attachCalmly();
    await this.#startCalmly();
    for (const one of house.living) while (one.openRuns > 0) one.endRun();
    await this.#calmWait(5000);
    const [serving, ...others] = house.living;
    expect(others, "those that made room have ended").toEqual([]);
    expect(house.place.note).toMatchObject({ pid: serving?.pid, state: "serving", version: "2" });
    this.#ask("stop", calm);
    await this.#calmWait(5000);
    expect(house.living).toEqual([]);
    expect(house.place.note, "who has ended has left no note").toBeUndefined();
  }

  async #attachCalmly(): Promise<void> {
    const before = this.#clients.length;
    this.#ask("connectOrStart", calm);
    await this.#calmWait(5000);
    expect(this.#clients.length, "a client gets a daemon").toBe(before + 1);
  }

  async #startCalmly(): Promise<void> {
    this.#ask("start", calm);
    await this.#calmWait(5000);
    expect(this.#asked.at(-1)?.isOpen).toBe(false);
    expect(this.#house.serving?.how.version, "the new version serves").toBe(2);
  }

  async #calmWait(ms: number): Promise<void> {
    await this.#house.wait(ms);
    this.check();
  }

  /** Ends what is left. */
  close(): void {
    this.#endLook();
    for (const one of this.#house.living) one.kill();
    for (const { socket } of this.#clients) socket.destroy();
  }
}

function frame(method: string): string {
  return `${JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: {} })}\n`;
}
