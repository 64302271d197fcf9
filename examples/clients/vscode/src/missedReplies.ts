/** Keeps the replies that came when no chat waited for them: after a reload, for example. */
import type { RunComplete } from "turnwire/client";
import * as vscode from "vscode";

interface Missed {
  readonly completionId: string;
  readonly status: string;
  readonly text: string;
}

const key = "missedReplies";
const kept = 20;

export class MissedReplies {
  readonly #state: vscode.Memento;

  constructor(state: vscode.Memento) {
    this.#state = state;
  }

  /** Stores a reply, and tells the user. When this is done the reply may be acknowledged. */
  async take({ completionId, status, text, error }: RunComplete): Promise<void> {
    const known = this.#all;
    // It may be delivered twice: the acknowledgement of the first time may have been lost.
    if (known.some((missed) => missed.completionId === completionId)) return;
    const missed = { completionId, status, text: text || (error ?? "") };
    await this.#state.update(key, [...known, missed].slice(-kept));
    this.#tell(status);
  }

  /** Opens what is kept as a document, the newest first. */
  async show(): Promise<void> {
    const content = this.#all
      .toReversed()
      .map(({ status, text }) => `## ${status}\n\n${text}\n`)
      .join("\n");
    const document = await vscode.workspace.openTextDocument({ language: "markdown", content });
    await vscode.window.showTextDocument(document);
  }

  get #all(): readonly Missed[] {
    return this.#state.get(key, []);
  }

  /** Nobody waits for the user's answer: the next reply must not wait for it. */
  #tell(status: string): void {
    const text = `A run has ended meanwhile: ${status}.`;
    vscode.window.showInformationMessage(text, "Show").then((chosen) => {
      if (chosen === "Show") return this.show();
      return undefined;
    });
  }
}
