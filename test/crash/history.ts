// A random history: windows that send, cancel, fork, rewind and delete sessions, hold acknowledgements back,
// lose their servers and are lost themselves. The choices come from the seed; the moments at which a kill hits are the
// machine's.
import { Deferred } from "../../src/base/deferred.js";
import { SeededRandom } from "../helpers/seededRandom.js";
import type { Books } from "./books.js";
import { type ClientWindow, ignoreGone, type RunOptions } from "./clientWindow.js";
import { Playground, type PlaygroundOptions } from "./playground.js";

/** What a history is made of. */
export interface HistoryOptions {
  readonly main: string;
  readonly seed: number;
  /** Windows that are open side by side, each with a server of its own. */
  readonly windows: number;
  /** Whether the windows are one client's, or a client each. */
  readonly shareBooks?: boolean;
  /** How many servers each window loses. */
  readonly kills: number;
  readonly sessions: number;
  /** Whether windows are closed too, and their servers linger beside the next ones. */
  readonly linger?: boolean;
  readonly engine?: PlaygroundOptions["engine"];
  readonly runOptions?: RunOptions;
}

/** So many forks are used as sessions of their own; the others are only looked at. */
const mostUsedForks = 3;

const scripts = ["say", "say", "tool, say", "tool, tool, say"];

/** Plays a history to its end; returns what was wrong with it. */
export async function playHistory(options: HistoryOptions): Promise<string[]> {
  const random = new SeededRandom(options.seed);
  const pauses = new SeededRandom(options.seed + 1);
  const playground = await Playground.open(options.main, {
    pauseMs: () => pauses.between(0, 25),
    ...options,
  });
  try {
    const shared = playground.books(options.shareBooks);
    await Promise.all(
      Array.from({ length: options.windows }, (_, index) => {
        const books = index === 0 || options.shareBooks ? shared : playground.books();
        const own = new SeededRandom(random.between(0, 2 ** 31));
        return new Player(playground, books, own, options, index).play();
      }),
    );
    const wrong = await playground.settle();
    // A history in which nothing happened shows nothing.
    if (playground.completions < (options.windows * options.kills) / 2)
      wrong.push("too little happened");
    return wrong;
  } finally {
    await playground.close();
  }
}

class Player {
  readonly #playground: Playground;
  readonly #books: Books;
  readonly #random: SeededRandom;
  readonly #options: HistoryOptions;
  readonly #window: ClientWindow;
  readonly #index: number;
  #opened = new Deferred<void>();
  #sent = 0;

  constructor(
    playground: Playground,
    books: Books,
    random: SeededRandom,
    options: HistoryOptions,
    index: number,
  ) {
    this.#playground = playground;
    this.#books = books;
    this.#random = random;
    this.#options = options;
    this.#index = index;
    const args = options.linger ? ["--linger", "20"] : [];
    this.#window = playground.window(books, () => random.chance(0.7), args);
  }

  async play(): Promise<void> {
    for (let life = 0; life < this.#options.kills; life++) {
      const living = this.#live().catch(ignoreGone);
      // Some die while they start, most while they work.
      const diesEarly = this.#random.chance(0.2);
      if (!diesEarly) await Promise.race([this.#opened.promise, living]);
      if (!diesEarly && this.#random.chance(0.6)) await this.#somethingEnded();
      await pause(this.#random.between(1, 300));
      if (this.#options.linger && this.#window.isOpen && this.#random.chance(0.7)) {
        await this.#window.leave();
      } else if (this.#random.chance(0.15)) await this.#window.abandon();
      else await this.#window.kill();
      await living;
    }
  }

  /** Resolves when a completion has come, or none comes for a while. */
  async #somethingEnded(): Promise<void> {
    const before = this.#books.completions.size;
    const deadline = Date.now() + 3000;
    while (this.#books.completions.size === before && Date.now() < deadline) await pause(5);
  }

  /** Works until the server dies. */
  async #live(): Promise<void> {
    this.#opened = new Deferred();
    await this.#window.open();
    await this.#window.resend();
    this.#opened.resolve();
    for (;;) {
      const own = Array.from({ length: this.#options.sessions }, (_, number) => number);
      await this.#step(this.#random.pick([...new Set([...own, ...this.#playground.sessions])]));
      await pause(this.#random.between(0, 60));
    }
  }

  /** Most often a prompt. */
  async #step(session: number): Promise<void> {
    const what = this.#random.between(0, 99);
    if (what < 8) await this.#window.cancel(session);
    else if (what < 14) await this.#window.setPaused(session, true);
    else if (what < 28) await this.#window.setPaused(session, false);
    else if (what < 36) await this.#window.turnQueue(session);
    else if (what < 41) await this.#fork(session);
    else if (what < 46) await this.#window.rewind(session, this.#pick);
    else if (what < 49) await this.#cancelled(session, () => this.#window.remove(session));
    else if (what < 51)
      await this.#cancelled(session, () => this.#window.rewind(session, this.#pick));
    else if (what < 53) await this.#window.remove(session);
    else if (what < 57) await this.#send(session, "/undo");
    else await this.#send(session);
  }

  /** The last one in most cases. */
  readonly #pick = (length: number) =>
    this.#random.chance(0.6) ? length - 1 : this.#random.between(0, Math.max(0, length - 1));

  /** A session in which no turn runs, most often. */
  async #cancelled(session: number, work: () => Promise<void>): Promise<void> {
    await this.#window.cancel(session);
    await work();
  }

  async #fork(session: number): Promise<void> {
    const forkId = await this.#window.fork(session, this.#pick);
    const { sessions } = this.#playground;
    if (forkId === undefined || sessions.length >= this.#options.sessions + mostUsedForks) return;
    this.#playground.addSession(forkId);
  }

  #send(session: number, prompt?: string): Promise<void> {
    const runId = `run-${this.#index}-${this.#sent++}`;
    const said = prompt ?? `${runId}: ${this.#random.pick(scripts)}`;
    return this.#window.send(this.#books.send(runId, session, said));
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
