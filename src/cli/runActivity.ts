/** Shows what the agent does beside its reply, one line each, to a person who watches stderr. */
import type { Part } from "../protocol/objects/message.js";
import type { LossyEvent, NotificationParams } from "../protocol/registry.js";

type ToolCall = Extract<Part, { type: "toolCall" }>;

const maxInput = 120;

export class RunActivity {
  readonly #told = new Set<string>();
  readonly #isColored: boolean;
  readonly #hasResults: boolean;

  /** With colours the lines are dimmed, so that the reply stands out; `hasResults` shows results too. */
  constructor({ isColored, hasResults }: { isColored: boolean; hasResults: boolean }) {
    this.#isColored = isColored;
    this.#hasResults = hasResults;
  }

  /** The lines for an event, each with its newline; often none. */
  lines(event: LossyEvent): string {
    if (event.method === "runActivity") return this.#busyWith(event.params);
    if (event.method !== "messageCreated" && event.method !== "messageUpdated") return "";
    return event.params.message.parts.map((part) => this.#linesOf(part)).join("");
  }

  /** A question is shown elsewhere. An activity of a later version is shown by its name. */
  #busyWith({ kind, waitMs, attempt, reason }: NotificationParams<"runActivity">): string {
    if (kind === "waitingForPermission") return "";
    if (kind === "summarizing") return this.line("summarizing the session");
    if (kind === "waitingForSlot") return this.line("waiting for other runs to end");
    const what = kind === "retrying" ? `try ${attempt ?? 2}` : shorten(kind);
    const when = waitMs === undefined ? "" : ` in ${Math.ceil(waitMs / 1000)} s`;
    return this.line(`${what}${when}${reason === undefined ? "" : `: ${shorten(reason)}`}`);
  }

  #linesOf(part: Part): string {
    if (part.type === "toolCall" && part.state !== "streaming") {
      return this.#once(`call ${part.toolCallId}`, () => describeCall(part));
    }
    if (part.type === "toolResult" && part.isError) {
      return this.#once(
        `result ${part.toolCallId}`,
        () => `${part.name} failed: ${shorten(part.output)}`,
      );
    }
    if (part.type === "toolResult" && this.#hasResults) {
      return this.#once(`result ${part.toolCallId}`, () => `${part.name}: ${shorten(part.output)}`);
    }
    return "";
  }

  #once(key: string, text: () => string): string {
    if (this.#told.has(key)) return "";
    this.#told.add(key);
    return this.line(text());
  }

  /** A line of what is no answer, with its newline. */
  line(text: string): string {
    return this.#isColored ? `\u001b[2m${text}\u001b[22m\n` : `${text}\n`;
  }
}

function describeCall({ name, input }: ToolCall): string {
  const fields = typeof input === "object" && input !== null ? Object.values(input) : [input];
  // A single field is enough: the command or the path.
  const [only] = fields;
  const text = fields.length === 1 && typeof only === "string" ? only : JSON.stringify(input);
  return `${name} ${shorten(text ?? "")}`.trimEnd();
}

/** One line of at most {@link maxInput} characters, without characters that control a terminal. */
function shorten(text: string): string {
  const line = text
    .slice(0, maxInput * 10)
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ")
    .trim();
  return line.length > maxInput ? `${line.slice(0, maxInput - 1)}…` : line;
}
