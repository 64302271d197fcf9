// The commands that a user types (protocol.md section 4, Sending a prompt): the typed text is stored
// already, and the expansion of a command follows as a separate message.
import type { HistoryMessage } from "../engine/engine.js";
import type { TurnInput, TurnPorts } from "./turn.js";

/** Looks up what the user has typed in one turn. */
export class TypedCommands {
  readonly #input: Pick<TurnInput, "expand" | "signal">;
  readonly #ports: Pick<TurnPorts, "sink">;
  /** The texts that have not been looked up yet. */
  readonly #typed: string[] = [];

  constructor(input: Pick<TurnInput, "expand" | "signal">, ports: Pick<TurnPorts, "sink">) {
    this.#input = input;
    this.#ports = ports;
  }

  /** Takes note of a text that may be a command. */
  typed(text: string): void {
    if (text.startsWith("/")) this.#typed.push(text);
  }

  /** Writes the expansions as messages, and gives each to `add`. Ends early if the turn is cancelled. */
  async carryOut(add: (message: HistoryMessage) => void): Promise<void> {
    for (let typed = this.#typed.shift(); typed; typed = this.#typed.shift()) {
      try {
        const text = await this.#input.expand?.(typed);
        if (text === undefined) continue;
        add(this.#ports.sink.say({ text, attachments: [] }));
      } catch (error) {
        if (!this.#input.signal.aborted) throw error;
        return;
      }
    }
  }
}
