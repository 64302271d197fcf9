/** How far a run has come, for the status line and the closing line. */
import type { RunComplete } from "../protocol/objects/run.js";
import type { LossyEvent } from "../protocol/registry.js";
import { visibleLine } from "./visibleText.js";

const frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

export class RunProgress {
  readonly #sessionId: string;
  readonly #begun: number;
  readonly #calls = new Set<string>();
  readonly #running = new Map<string, string>();
  #model = "";
  #before: { tokens: number; cost: number } | undefined;
  #tokens = 0;
  #cost = 0;
  #frame = 0;

  /** `begun` is the time of the clock, in milliseconds. */
  constructor(sessionId: string, begun: number) {
    this.#sessionId = sessionId;
    this.#begun = begun;
  }

  /** Takes one event of the session. */
  take(event: LossyEvent): void {
    if (event.method === "sessionUpdated") {
      const { promptTokens, completionTokens, cost } = event.params.session;
      const tokens = promptTokens + completionTokens;
      this.#before ??= { tokens, cost };
      this.#tokens = tokens - this.#before.tokens;
      this.#cost = cost - this.#before.cost;
    }
    if (event.method !== "messageCreated" && event.method !== "messageUpdated") return;
    const { id, role, provider, model, parts } = event.params.message;
    if (role === "assistant") this.#calls.add(id);
    if (model !== undefined) this.#model = `${provider ?? ""}/${model}`;
    for (const part of parts) {
      if (part.type !== "toolCall") continue;
      if (part.state === "running") this.#running.set(part.toolCallId, part.name);
      else this.#running.delete(part.toolCallId);
    }
  }

  /** The status line at a time. */
  status(now: number): string {
    this.#frame = (this.#frame + 1) % frames.length;
    const facts = [
      `${frames[this.#frame]} ${elapsed(now - this.#begun)}`,
      this.#model === "" ? undefined : visibleLine(this.#model),
      this.#calls.size === 0 ? undefined : `step ${this.#calls.size}`,
      this.#tokens === 0 ? undefined : `${count(this.#tokens)} tokens`,
      this.#cost === 0 ? undefined : dollars(this.#cost),
      this.#running.size === 0 ? undefined : visibleLine([...this.#running.values()].join(", ")),
    ];
    return facts.filter((fact) => fact !== undefined).join(" · ");
  }

  /** The closing line. */
  closing({ usage }: RunComplete, now: number): string {
    const { promptTokens = 0, completionTokens = 0, cost = 0 } = usage ?? {};
    return [
      visibleLine(this.#sessionId),
      `${count(promptTokens + completionTokens)} tokens`,
      dollars(cost),
      elapsed(now - this.#begun),
    ].join(" · ");
  }
}

function count(n: number): string {
  return n < 10_000 ? String(n) : `${(n / 1000).toFixed(n < 100_000 ? 1 : 0)}k`;
}

function dollars(cost: number): string {
  return `$${cost.toFixed(cost < 1 ? 4 : 2)}`;
}

function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}
