// A data directory, a workspace and what runs its turns for one history, and the end of all of them.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defined } from "../../src/base/defined.js";
import { startStrictProvider } from "../helpers/strictProvider.js";
import { audit } from "./audit.js";
import { Books } from "./books.js";
import { ClientWindow, type RunOptions } from "./clientWindow.js";
import type { Runner } from "./runner.js";
import { scriptedRuns } from "./scriptedRuns.js";

/** So long nothing may happen before it is plain that nothing more will. */
const patienceMs = 45_000;

/** What a playground has. */
export interface PlaygroundOptions {
  /** How long each piece of a strict provider's reply is waited for. */
  readonly pauseMs?: () => number;
  /** The engine: the built-in one with a strict provider, or the scripted agent, polite or stubborn. */
  readonly engine?: "builtIn" | "polite" | "stubborn" | undefined;
  /** The options of every run. */
  readonly runOptions?: RunOptions | undefined;
}

export class Playground {
  readonly dataDir: string;
  readonly runner: Runner;
  readonly everybody: Books[] = [];
  readonly #main: string;
  readonly #folder: string;
  readonly #runOptions: RunOptions | undefined;
  readonly workspacePath: string;
  readonly #windows: ClientWindow[] = [];
  readonly #sessions = new Map<number, Promise<string>>();
  readonly #deleted = new Set<string>();

  private constructor(
    main: string,
    folder: string,
    runner: Runner,
    runOptions: RunOptions | undefined,
  ) {
    this.#main = main;
    this.#folder = folder;
    this.#runOptions = runOptions;
    this.runner = runner;
    this.dataDir = join(folder, "data");
    this.workspacePath = join(folder, "workspace");
    mkdirSync(this.workspacePath);
    writeFileSync(join(folder, "config.json"), JSON.stringify(runner.config));
  }

  static async open(
    main: string,
    { pauseMs = () => 5, engine = "builtIn", runOptions }: PlaygroundOptions = {},
  ): Promise<Playground> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "turnwire-crash-")));
    mkdirSync(join(folder, "data"));
    const runner =
      engine === "builtIn"
        ? await strictRuns(pauseMs)
        : scriptedRuns(folder, engine === "stubborn");
    return new Playground(main, folder, runner, runOptions);
  }

  /** A new client identity. */
  books(isShared = false): Books {
    const books = new Books(`client-${this.everybody.length}`, isShared);
    this.everybody.push(books);
    return books;
  }

  /** A window that keeps these books; it has no server yet. */
  window(
    books: Books,
    acknowledges: () => boolean = () => true,
    args: readonly string[] = [],
  ): ClientWindow {
    const window = new ClientWindow({
      main: this.#main,
      dataDir: this.dataDir,
      workspacePath: this.workspacePath,
      ...defined({ engine: this.runner.engine, runOptions: this.#runOptions }),
      env: { TURNWIRE_CONFIG: join(this.#folder, "config.json") },
      args,
      books,
      endedByCancel: this.everybody,
      sessions: this.#sessions,
      deleted: this.#deleted,
      acknowledges,
    });
    this.#windows.push(window);
    return window;
  }

  /** The numbers of the sessions that exist. */
  get sessions(): number[] {
    return [...this.#sessions.keys()];
  }

  /** Takes a session in under a number of its own. */
  addSession(sessionId: string): void {
    this.#sessions.set(Math.max(...this.sessions) + 1, Promise.resolve(sessionId));
  }

  /** How many completions all books hold. */
  get completions(): number {
    return this.everybody.reduce((sum, { completions }) => sum + completions.size, 0);
  }

  /**
   * Lets everything come to its end with servers that are left alone, has every session run one more
   * prompt, and returns what is wrong then.
   */
  async settle(): Promise<string[]> {
    for (const window of this.#windows) if (!window.isOpen) await window.open();
    for (const window of this.#windows) {
      for (const session of this.sessions) await window.setPaused(session, false);
    }
    await Promise.all(this.#windows.map((window) => window.resend()));
    await this.#allTakenIn();
    const [window] = this.#windows;
    const [books] = this.everybody;
    for (const session of this.sessions) {
      const run = books?.send(`last-${session}`, session, `last-${session}: say`);
      if (run !== undefined) await window?.send(run);
    }
    await this.#allTakenIn();
    const codes = await Promise.all(this.#windows.map((one) => one.server.end()));
    for (const window of this.#windows) codes.push(...(await window.leftEnded()));
    const lastWords = this.#windows.map(({ server }) => server.stderr);
    const wrong = audit(this.dataDir, this.everybody, this.runner, this.#deleted, lastWords);
    for (const session of this.sessions) {
      const status = books?.completionOf(`last-${session}`)?.status;
      if (status !== "succeeded") wrong.push(`session ${session} does not work: ${status}`);
    }
    wrong.push(...(await this.runner.complaints()));
    if (codes.some((code) => code !== 0)) wrong.push(`servers ended with ${codes}`);
    // Whatever is wrong, the servers' own words say most about it.
    if (wrong.length > 0) wrong.push(...lastWords);
    return wrong;
  }

  /** Waits until everybody has everything, or is plainly never going to; the audit tells which. */
  async #allTakenIn(): Promise<void> {
    let known = -1;
    let deadline = 0;
    while (!this.everybody.every(({ isSettled }) => isSettled)) {
      const happened = this.everybody.reduce((sum, books) => sum + books.happened, 0);
      if (happened !== known) deadline = Date.now() + patienceMs;
      if (Date.now() > deadline) return;
      known = happened;
      for (const window of this.#windows) await window.acknowledgeRest();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#windows.map((window) => window.killAll()));
    await this.runner.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function strictRuns(pauseMs: () => number): Promise<Runner> {
  const provider = await startStrictProvider(pauseMs);
  return { ...provider, complaints: async () => provider.complaints };
}
