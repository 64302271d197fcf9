import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createSandbox, type Sandbox } from "../examples/sandbox.js";
import { type Notice, ServerChild } from "../helpers/serverChild.js";

const page = readFileSync(new URL("../../docs/delivery.md", import.meta.url), "utf8");
const main = new URL("../../dist/main.js", import.meta.url).pathname;

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = createSandbox();
});
afterEach(() => sandbox.remove());

describe("docs/delivery.md", () => {
  test("has a program that prints what it says, and enters nothing twice", async () => {
    const [, code = "", output = ""] =
      /```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/.exec(page) ?? [];
    expect(await sandbox.runCode(code)).toBe(output);
  });

  test("tells timelines that a server really has", async () => {
    const lines = [...page.matchAll(/```exchange\n([\s\S]*?)\n```/g)].flatMap(([, text = ""]) =>
      text.split("\n"),
    );
    expect(lines.filter((line) => line === "! kill").length).toBe(2);
    await new Timeline(sandbox.folder).play(lines);
  });
});

/** Plays the lines of all timelines, one after another, on one data directory. */
class Timeline {
  readonly #folder: string;
  readonly #known = new Map<string, string>();
  #server: ServerChild | undefined;
  #received: object[] = [];
  #wake: () => void = () => {};

  constructor(folder: string) {
    this.#folder = folder;
  }

  async play(lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      const text = line.slice(2);
      if (line.startsWith("!")) await this.#happen(text);
      else if (line.startsWith(">")) this.#send(text);
      else await this.#expect(text);
    }
  }

  async #happen(what: string): Promise<void> {
    if (what === "kill") await this.#server?.kill();
    else if (what === "end") expect(await this.#server?.end()).toBe(0);
    else {
      this.#server = new ServerChild({
        main,
        dataDir: `${this.#folder}/data`,
        cwd: this.#folder,
        onNotice: (notice) => this.#receive(notice),
      });
    }
  }

  #send(text: string): void {
    const filled = text.replace(/<(\w+)>/g, (_, name: string) => this.#known.get(name) ?? "?");
    const { id, method, params } = JSON.parse(filled);
    this.#server?.request(method, params).then(
      (result) => this.#receive({ id, result }),
      (error: unknown) => this.#receive({ id, error }),
    );
  }

  #receive(message: Notice | { id: number; result?: object; error?: unknown }): void {
    this.#received.push(message);
    this.#wake();
  }

  async #expect(text: string): Promise<void> {
    const expected: unknown = JSON.parse(text);
    const deadline = Date.now() + 60_000;
    for (;;) {
      const found = this.#received.findIndex((message) => this.#matches(message, expected));
      if (found >= 0) {
        this.#received.splice(found, 1);
        return;
      }
      if (Date.now() > deadline) {
        throw new Error(`never came: ${text}; instead: ${JSON.stringify(this.#received)}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, 1000);
      });
    }
  }

  /** Whether a message has all that is expected; learns what `<name>` stands for. */
  #matches(actual: unknown, expected: unknown): boolean {
    const [, name] = typeof expected === "string" ? (/^<(\w+)>$/.exec(expected) ?? []) : [];
    if (name !== undefined) {
      const known = this.#known.get(name);
      if (known === undefined && typeof actual === "string") this.#known.set(name, actual);
      return this.#known.get(name) === actual;
    }
    if (typeof expected !== "object" || expected === null) return actual === expected;
    if (typeof actual !== "object" || actual === null) return false;
    const fields = new Map(Object.entries(actual));
    return Object.entries(expected).every(([key, value]) => this.#matches(fields.get(key), value));
  }
}
