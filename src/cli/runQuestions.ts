/** Who answers what a run asks: the person at the terminal, if there is one. */
import type {
  InputAnswer,
  InputRequest,
  PermissionAnswer,
  PermissionQuestion,
} from "../protocol/registry.js";
import { askInput } from "./runInput.js";
import type { RunCommandIo } from "./runOptions.js";
import { PermissionPrompt } from "./runPermission.js";
import type { RunScreen } from "./runScreen.js";
import type { Terminal } from "./terminal.js";

export interface RunQuestionsOptions {
  readonly io: Pick<RunCommandIo, "stdin" | "stderr" | "isStderrTty" | "openTerminal">;
  readonly screen: RunScreen;
  /** Whether stdin is taken by the prompt. */
  readonly isStdinTaken: boolean;
  readonly isColored: boolean;
  complain(text: string): Promise<void>;
  /** Ctrl-C came as a character. */
  interrupt(): void;
}

/** The signal withdraws a question. */
interface Asked {
  readonly signal: AbortSignal;
}

export class RunQuestions {
  readonly #options: RunQuestionsOptions;
  #prompt: PermissionPrompt | undefined;
  #terminal: Terminal | undefined;
  #hasHinted = false;

  constructor(options: RunQuestionsOptions) {
    this.#options = options;
  }

  /** Without `--permission-mode` the configuration decides. Its questions are asked here. */
  async permission(question: PermissionQuestion, asked: Asked): Promise<PermissionAnswer> {
    const prompt = this.#open();
    if (prompt !== undefined) {
      const { isColored } = this.#options;
      return this.#aside(() => prompt.ask(question, { ...asked, isColored }));
    }
    if (!this.#hasHinted) {
      this.#hasHinted = true;
      await this.#options.complain("there is no terminal to ask on; see --permission-mode");
    }
    return { decision: "deny", message: "There is nobody to ask." };
  }

  /** Asks what a tool server wants to know. */
  async input(request: InputRequest, asked: Asked): Promise<InputAnswer> {
    const prompt = this.#open();
    if (prompt === undefined) return { action: "decline" };
    return this.#aside(() => askInput(prompt, request, asked));
  }

  close(): void {
    this.#terminal?.close();
  }

  async #aside<T>(ask: () => Promise<T>): Promise<T> {
    const goOn = await this.#options.screen.giveWay();
    try {
      return await ask();
    } finally {
      goOn();
    }
  }

  #open(): PermissionPrompt | undefined {
    if (this.#prompt !== undefined) return this.#prompt;
    const { stdin, stderr, isStderrTty, openTerminal } = this.#options.io;
    // If stderr is redirected, nobody is looking at the terminal.
    if (!isStderrTty) return undefined;
    const terminal = openTerminal?.();
    this.#terminal = terminal;
    if (terminal !== undefined) {
      const { input, output } = terminal;
      this.#prompt = new PermissionPrompt(input, output, () => this.#discard(terminal));
    } else if (stdin.isTTY === true && !this.#options.isStdinTaken) {
      this.#prompt = new PermissionPrompt(stdin, stderr);
    }
    return this.#prompt;
  }

  /** While typed characters are discarded, Ctrl-C reaches the program as a character. */
  async #discard(terminal: Terminal): Promise<boolean> {
    const goesOn = await terminal.discardTyped();
    if (!goesOn) this.#options.interrupt();
    return goesOn;
  }
}
