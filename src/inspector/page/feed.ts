/** Reads the entries from the server, and keeps what the page shows of them. */
import type { ClientLoad } from "../../base/clientLoad.js";
import type { Entry } from "../entries.js";
import { Ledger, type LedgerRow } from "../view/ledger.js";
import { Runs } from "../view/runs.js";
import { Traffic } from "../view/traffic.js";

/** A process of a server. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly megabytes: number;
}

/** What is known of a pipe beside what goes through it. */
export interface PipeState {
  readonly pipe: string;
  readonly processes?: readonly ProcessRow[];
  /** Figures by their names, each with its unit. */
  readonly health?: readonly { readonly name: string; readonly value: string }[];
  /** What waits for each client of a server. */
  readonly clients?: readonly ClientLoad[];
  readonly ledger?: readonly LedgerRow[];
}

/** A line of a server's stderr. */
interface StderrLine {
  /** It only goes up. */
  readonly number: number;
  readonly at: number;
  readonly pipe: string;
  readonly text: string;
}

/** What the server says first. */
export interface Greeting {
  readonly mode: "tee" | "file" | "live";
  /** The file, or what is watched. */
  readonly subject: string;
  /** Whether contents were left out before they came here. */
  readonly hidden: boolean;
  /** Whether completions can be delivered again and acknowledged. */
  readonly canAct: boolean;
}

export type FeedState = "opening" | "open" | "refused" | "ended";

/** Time for entries before the page is drawn again, in milliseconds. */
const budgetMs = 12;
const mostStderr = 10_000;

/** Everything that the page shows. */
export class Feed {
  readonly traffic = new Traffic();
  readonly runs = new Runs();
  readonly ledger = new Ledger();
  readonly states = new Map<string, PipeState>();
  readonly commands = new Map<string, string>();
  stderr: StderrLine[] = [];
  #stderrLines = 0;
  greeting: Greeting | undefined;
  state: FeedState = "opening";
  missed = 0;
  readonly #token: string;
  readonly #listeners = new Set<() => void>();
  #isTold = false;

  constructor(token: string) {
    this.#token = token;
  }

  /** Calls back when there is something new, at most once a frame. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads until the server ends. */
  async open(): Promise<void> {
    try {
      const response = await fetch("/entries", { headers: this.#headers });
      if (!response.ok || response.body === null) {
        this.#enter("refused");
        return;
      }
      this.#enter("open");
      await this.#read(response.body.getReader());
    } catch {
      // The server has gone while it was read.
    }
    this.#enter("ended");
  }

  /** Asks the server to do something; rejects with what it answers. */
  async act(request: object): Promise<void> {
    const response = await fetch("/act", {
      method: "POST",
      headers: { ...this.#headers, "content-type": "application/json" },
      body: JSON.stringify(request),
    });
    if (!response.ok) throw new Error(await response.text());
  }

  get #headers() {
    return { authorization: `Bearer ${this.#token}` };
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest: string[] = [];
    let since = performance.now();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const [first = "", ...others] = decoder.decode(value, { stream: true }).split("\n");
      rest.push(first);
      const last = others.pop();
      // A line of many megabytes comes in thousands of pieces, which are put together once.
      if (last === undefined) continue;
      const lines = [rest.join(""), ...others];
      rest = [last];
      for (const line of lines) {
        this.#take(JSON.parse(line));
        if (performance.now() - since < budgetMs) continue;
        await nextFrame();
        since = performance.now();
      }
    }
  }

  #take(value: { readonly kind?: string } & object): void {
    if (value.kind === undefined) this.greeting = value as Greeting;
    else if (value.kind === "state") this.#takeState(value as PipeState);
    else this.#add(value as Entry);
    this.#tell();
  }

  #add(entry: Entry): void {
    this.traffic.add(entry);
    if (entry.kind === "missed") this.missed += entry.count;
    this.runs.add(entry);
    this.ledger.add(entry);
    const pipe = entry.pipe ?? "";
    if (entry.kind === "start") this.commands.set(pipe, entry.command.join(" "));
    // What was true of a server is not any more.
    if (entry.kind === "end") this.states.delete(pipe);
    if (entry.kind !== "stderr") return;
    this.stderr.push({ number: this.#stderrLines++, at: entry.at, pipe, text: entry.text });
    if (this.stderr.length > 2 * mostStderr) this.stderr = this.stderr.slice(-mostStderr);
  }

  #takeState(state: PipeState): void {
    this.states.set(state.pipe, { ...this.states.get(state.pipe), ...state });
    if (state.ledger !== undefined) this.ledger.takeRows(state.ledger, state.pipe);
  }

  #enter(state: FeedState): void {
    this.state = state;
    this.#tell();
  }

  #tell(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    void nextFrame().then(() => {
      this.#isTold = false;
      for (const listener of this.#listeners) listener();
    });
  }
}

/** Resolves before the next drawing; in a page that is not seen, soon. */
export function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    if (document.hidden) setTimeout(resolve, 50);
    else requestAnimationFrame(() => resolve());
  });
}
