// A random history: windows that send, cancel, hold acknowledgements back, lose their servers and
// are lost themselves. The choices come from the seed; the moments at which a kill hits are the
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
    if (playground.completions < options.windows * options.kills) wrong.push("too little happened");
    return wrong;
  } finally {
    await playground.close();
  }
}

class Player {
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
      const session = this.#random.between(0, this.#options.sessions - 1);
      await this.#step(session);
      await pause(this.#random.between(0, 60));
    }
  }

  /** Most often a prompt. */
  async #step(session: number): Promise<void> {
    const what = this.#random.between(0, 99);
    if (what < 10) await this.#window.cancel(session);
    else if (what < 18) await this.#window.setPaused(session, true);
    else if (what < 35) await this.#window.setPaused(session, false);
    else if (what < 45) await this.#window.turnQueue(session);
    else await this.#send(session);
  }

  #send(session: number): Promise<void> {
    const runId = `run-${this.#index}-${this.#sent++}`;
    const prompt = `${runId}: ${this.#random.pick(scripts)}`;
    return this.#window.send(this.#books.send(runId, session, prompt));
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
