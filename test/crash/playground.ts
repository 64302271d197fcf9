// A data directory, a workspace and a strict provider for one history, and the end of all of them.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type StrictProvider, startStrictProvider } from "../helpers/strictProvider.js";
import { audit } from "./audit.js";
import { Books } from "./books.js";
import { ClientWindow } from "./clientWindow.js";

/** So long nothing may happen before it is plain that nothing more will. */
const patienceMs = 15_000;

export class Playground {
  readonly dataDir: string;
  readonly provider: StrictProvider;
  readonly everybody: Books[] = [];
  readonly #main: string;
  readonly #folder: string;
  readonly workspacePath: string;
  readonly #windows: ClientWindow[] = [];
  readonly #sessions = new Map<number, Promise<string>>();

  private constructor(main: string, folder: string, provider: StrictProvider) {
    this.#main = main;
    this.#folder = folder;
    this.provider = provider;
    this.dataDir = join(folder, "data");
    this.workspacePath = join(folder, "workspace");
    mkdirSync(this.workspacePath);
    writeFileSync(join(folder, "config.json"), JSON.stringify(provider.config));
  }

  static async open(main: string, pauseMs: () => number = () => 5): Promise<Playground> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "turnwire-crash-")));
    mkdirSync(join(folder, "data"));
    return new Playground(main, folder, await startStrictProvider(pauseMs));
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
      env: { TURNWIRE_CONFIG: join(this.#folder, "config.json") },
      args,
      books,
      sessions: this.#sessions,
      acknowledges,
    });
    this.#windows.push(window);
    return window;
  }

  /** The numbers of the sessions that exist. */
  get sessions(): number[] {
    return [...this.#sessions.keys()];
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
    const wrong = audit(this.dataDir, this.everybody, this.provider.asked);
    for (const session of this.sessions) {
      const status = books?.completionOf(`last-${session}`)?.status;
      if (status !== "succeeded") wrong.push(`session ${session} does not work: ${status}`);
    }
    wrong.push(...this.provider.complaints);
    if (codes.some((code) => code !== 0)) wrong.push(`servers ended with ${codes}`);
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
    await this.provider.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
