// What a dead server left behind (protocol.md sections 5 and 9): its open runs become `interrupted`
// completions, once, and its half-written messages become a history that a model can be sent.

import { type Clock, toRfc3339 } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { faultPoint } from "../base/faultPoint.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { CompletionFacts, Outbox } from "../events/outbox.js";
import type { Part } from "../protocol/objects/message.js";
import type { Database } from "../storage/database.js";
import type { MessageRow, MessageStore } from "../storage/messageStore.js";
import type { RunRow, RunStore } from "../storage/runStore.js";
import type { ServerRegistry } from "../storage/serverRegistry.js";
import { completionText } from "./completionText.js";
import { partsText } from "./storedParts.js";

const interruptedText = "The server stopped before this had ended.";

/** What recovery is built from. */
export interface RecoveryOptions {
  readonly database: Database;
  readonly registry: ServerRegistry;
  readonly runs: RunStore;
  readonly messages: MessageStore;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** Tidies up after servers that died. */
export class Recovery {
  readonly #options: RecoveryOptions;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /**
   * Ends what every dead server left open, in the order of acceptance. A living one is not touched.
   * Inside a transaction it belongs to that one.
   */
  recoverDead(): void {
    this.#recover(this.#options.registry.dead());
  }

  /** As {@link recoverDead} for one server; false where it lives. */
  recoverIfDead(serverId: string): boolean {
    if (this.#options.registry.isAlive(serverId)) return false;
    this.#recover([serverId]);
    return true;
  }

  #recover(dead: readonly string[]): void {
    if (dead.length === 0) return;
    const { database, registry, runs, log } = this.#options;
    const ended = database.joinDurable(() => {
      // Read inside the transaction: another server may have tidied up since.
      const open = dead.flatMap((id) => runs.openOf(id)).sort((a, b) => a.position - b.position);
      for (const run of open) this.#interrupt(run);
      for (const id of dead) registry.remove(id);
      faultPoint("recovering");
      return open.length;
    });
    faultPoint("recovered");
    if (ended > 0) log.info({ runs: ended }, "ended what a dead server had left open");
  }

  #interrupt(run: RunRow): void {
    const { runs, messages, outbox, clock } = this.#options;
    const { sessionId, position } = run;
    for (const id of [sessionId, ...messages.subTaskSessions(sessionId, position)]) {
      this.#repair(id, position);
    }
    runs.setState(run.position, "completed");
    const needsCompletion = run.runId !== undefined || (run.hasBegun && run.kind === "prompt");
    if (!needsCompletion) return;
    const last = messages.lastAssistantOf(run.position, run.sessionId);
    const facts: CompletionFacts = {
      ...defined({ messageId: last?.id }),
      ...completionText(last === undefined ? "" : textOf(last)),
      status: "interrupted",
      cancelled: false,
      error: interruptedText,
      errorName: "Interrupted",
      cause: "crash",
      foldedPrompts: runs.foldedInto(run.position),
      ...defined({ usage: runs.usage(run.position) }),
      completedAt: toRfc3339(clock.now()),
    };
    outbox.append(run, facts);
  }

  /** Makes what a run wrote into a session a history that a model can be sent. */
  #repair(sessionId: string, run: number): void {
    const { messages, ids, clock } = this.#options;
    const written = messages.ofRun(sessionId, run);
    const parts = written.map((row) => JSON.parse(row.parts) as Part[]);
    const { answered, isChanged } = closeParts(written, parts);
    const missing: Part[] = parts
      .flat()
      .filter((part) => part.type === "toolCall")
      .filter((call) => !answered.has(call.toolCallId))
      .map((call) => ({
        type: "toolResult",
        toolCallId: call.toolCallId,
        name: call.name,
        output: interruptedText,
        isError: true,
      }));
    const now = clock.now();
    written.forEach((row, index) => {
      if (isChanged[index]) messages.update(row.id, partsText(parts[index] ?? []), now);
    });
    if (missing.length === 0) return;
    messages.insert({
      id: ids.next("msg"),
      sessionId,
      run,
      role: "tool",
      parts: partsText(missing),
      model: undefined,
      provider: undefined,
      isSummary: false,
      createdAt: now,
    });
  }
}

/** Ends, in place, every part that a crash left open; says which messages that changed. */
function closeParts(
  written: readonly MessageRow[],
  parts: readonly Part[][],
): { answered: Set<string>; isChanged: boolean[] } {
  const answered = new Set<string>();
  const unfinished = new Set<string>();
  const isChanged = written.map((row, index) => {
    let changed = false;
    const own = parts[index] ?? [];
    for (const part of own) {
      if (part.type !== "toolCall" || isFinal(part.state)) continue;
      part.state = "cancelled";
      unfinished.add(part.toolCallId);
      changed = true;
    }
    for (const part of own) {
      if (part.type !== "toolResult") continue;
      answered.add(part.toolCallId);
      if (!unfinished.has(part.toolCallId)) continue;
      part.output += `${part.output === "" ? "" : "\n"}${interruptedText}`;
      part.isError = true;
      changed = true;
    }
    if (row.role === "assistant" && own.at(-1)?.type !== "finish") {
      own.push({ type: "finish", reason: "error", message: interruptedText });
      changed = true;
    }
    return changed;
  });
  return { answered, isChanged };
}

function isFinal(state: string): boolean {
  return state !== "streaming" && state !== "pending" && state !== "running";
}

function textOf(row: MessageRow): string {
  return (JSON.parse(row.parts) as Part[])
    .map((part) => (part.type === "text" ? part.text : ""))
    .join("");
}
