// A session on a real database with a provider that is played: it counts tokens in its own way, refuses
// what does not fit, and writes summaries good and bad. What it saw is checked against the promises of
// `compaction.test.ts`.
import { join } from "node:path";
import {
  APICallError,
  type LanguageModelV3,
  type LanguageModelV3CallOptions,
} from "@ai-sdk/provider";
import { z } from "zod";
import { runTurn } from "../../src/agent/runTurn.js";
import type { TurnModel } from "../../src/agent/turn.js";
import { systemClock } from "../../src/base/clock.js";
import { Deferred } from "../../src/base/deferred.js";
import { silentLog } from "../../src/base/log.js";
import { Coordinator } from "../../src/coordinator/coordinator.js";
import { loadTurns } from "../../src/coordinator/lazyTurns.js";
import { OwedWrites } from "../../src/coordinator/owedWrites.js";
import { noOptions, usuallyWhenBusy } from "../../src/coordinator/runOptions.js";
import type { Prompt, Turn, TurnOutcome } from "../../src/engine/engine.js";
import { Outbox } from "../../src/events/outbox.js";
import { CompletionStore } from "../../src/storage/completionStore.js";
import { Database } from "../../src/storage/database.js";
import { GoingOnStore } from "../../src/storage/goingOnStore.js";
import { GroupCommit } from "../../src/storage/groupCommit.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import { QueueStore } from "../../src/storage/queueStore.js";
import { RunStore } from "../../src/storage/runStore.js";
import { SessionStore } from "../../src/storage/sessionStore.js";
import type { Tool } from "../../src/tools/tool.js";
import { allowAll } from "../helpers/agentTurn.js";
import { FakeModel, finish, says, text, toolCall } from "../helpers/fakeModel.js";
import { CountingIds } from "../helpers/virtualScheduler.js";
import {
  filesOf,
  filled,
  type PlannedPrompt,
  type Said,
  saidOf,
  scripts,
  textOf,
  tokensOf,
  type World,
} from "./compactionPlan.js";

/** One request as the provider saw it. */
export interface Seen {
  /** The run that it was made for, from 0 on. */
  readonly run: number;
  /** What the user had said before that run, as its history has it. */
  readonly history: string;
  readonly isSummary: boolean;
  readonly text: string;
  readonly isRefused: boolean;
  /** The marks of what the user had said by then, oldest first, and the newest of it whole. */
  readonly said: readonly Said[];
}

const sessionId = "s";
/** Model calls of a run. */
export const maxSteps = 12;
const none = { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined };
const silentUsage = {
  inputTokens: none,
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
};

// A run begins at once then, as these tests count on.
await loadTurns();

/** Plays a session. */
export class CompactionWorld {
  readonly seen: Seen[] = [];
  readonly outcomes: TurnOutcome[] = [];
  /** What was shown to whoever wrote a summary, by the summary's mark. */
  readonly shownFor = new Map<string, string>();
  readonly #world: World;
  readonly #database: Database;
  readonly #coordinator: Coordinator;
  readonly #said: Said[] = [];
  #turn = 0;
  #step = 0;
  #summaries = 0;
  #calls = 0;
  #runs = 0;

  constructor(world: World, directory: string) {
    this.#world = world;
    this.#database = Database.open(join(directory, "turnwire.db"));
    this.#coordinator = this.#house();
  }

  async play(): Promise<void> {
    for (const [index, { prompt }] of this.#world.turns.entries()) {
      this.#turn = index;
      this.#step = 0;
      this.#summaries = 0;
      this.outcomes.push(await this.#send(prompt, `run-${index}`));
      // What was said too late to join the turn has one of its own.
      await this.#coordinator.whenIdle();
    }
  }

  async close(): Promise<void> {
    await this.#coordinator.close("shutdown");
    this.#database.close();
  }

  #house(): Coordinator {
    const database = this.#database;
    const [clock, ids, log] = [systemClock, new CountingIds(), silentLog];
    const [sessions, messages] = [new SessionStore(database), new MessageStore(database)];
    const [runs, completions] = [new RunStore(database), new CompletionStore(database)];
    const head = { workspaceId: "w", parentSessionId: undefined, title: "a title", createdAt: 1 };
    sessions.insert({ ...head, id: sessionId });
    return new Coordinator({
      workspaceId: "w",
      serverId: "srv",
      database,
      sessions,
      messages,
      runs,
      clock,
      ids,
      log,
      queues: new QueueStore(database),
      goingOn: new GoingOnStore(database),
      commits: new GroupCommit(database, clock),
      owed: new OwedWrites(database, clock, log),
      outbox: new Outbox(database, { completions, runs }, "srv", ids),
      announcer: { emit: () => {} },
      desk: { ask: async () => undefined, requestInput: async () => undefined },
      recoverIfDead: () => false,
      prepareTurn: async () => this.#prepared(),
    });
  }

  #prepared(): Turn {
    const { instructions, window, summaryWindow } = this.#world;
    return {
      run: ({ prompt, history, signal, sink }) => {
        const run = { run: this.#runs++, history: JSON.stringify(history) };
        return runTurn(
          {
            sessionId,
            prompt,
            history,
            signal,
            workspacePath: "/w",
            env: {},
            systemPrompt: "i".repeat(instructions),
            model: this.#model("large", window, run),
            summaryModel: this.#model("small", summaryWindow, run),
            tools: [this.#tool()],
            limits: { maxSteps, providerIdleSeconds: 300, maxDenials: 5, toolSeconds: 600 },
            permissions: allowAll,
            autoSummarize: true,
          },
          { sink, clock: systemClock, ids: new CountingIds(), log: silentLog },
        );
      },
      summarize: async () => ({ status: "succeeded", text: "" }),
      title: async () => undefined,
    };
  }

  #model(id: string, window: number, run: Pick<Seen, "run" | "history">): TurnModel {
    const contextWindow = this.#world.knowsWindow ? { contextWindow: window } : {};
    const info = { id, provider: "fake", name: id, canReason: false, supportsImages: true };
    const answers = new FakeModel();
    const model: LanguageModelV3 = {
      specificationVersion: "v3",
      provider: "fake",
      modelId: id,
      supportedUrls: {},
      doGenerate: () => answers.doGenerate(),
      doStream: async (options) => {
        const parts = this.#answer(options, window, run);
        if (parts instanceof Error) throw parts;
        return { stream: ReadableStream.from(parts) };
      },
    };
    return {
      info: { ...info, ...contextWindow },
      selected: { provider: "fake", model: id },
      load: async () => model,
    };
  }

  #answer(options: LanguageModelV3CallOptions, window: number, run: Pick<Seen, "run" | "history">) {
    const isSummary = options.providerOptions?.turnwire?.purpose === "summary";
    const sent = textOf(options);
    const tokens = Math.ceil(tokensOf(sent.text, sent.images) * this.#world.density);
    const isRefused = tokens > window;
    this.seen.push({ ...run, isSummary, text: sent.text, isRefused, said: [...this.#said] });
    if (isRefused) {
      const message = "the request exceeds the maximum context length";
      return new APICallError({ message, url: "", requestBodyValues: {}, statusCode: 400 });
    }
    return isSummary ? this.#summary(sent.text) : this.#reply(tokens);
  }

  #reply(tokens: number) {
    const step = this.#world.turns[this.#turn]?.steps[this.#step];
    this.#step++;
    const last = (reason: "stop" | "tool-calls") => {
      const told = finish(reason, { input: this.#world.usage === "zero" ? 0 : tokens, output: 0 });
      return this.#world.usage === "nothing" && told.type === "finish"
        ? { ...told, usage: silentUsage }
        : told;
    };
    if (step === undefined) return [...text(`done ${this.#turn}`), last("stop")];
    const calls = step.outputs.flatMap((length) =>
      toolCall(`c${++this.#calls}`, "read", { length, script: step.script, n: this.#calls }),
    );
    return [...calls, last("tool-calls")];
  }

  #summary(shown: string) {
    const kind = this.#world.turns[this.#turn]?.summaries[this.#summaries++] ?? "good";
    const mark = `SUM${this.shownFor.size};`;
    switch (kind) {
      case "good":
      case "long":
        this.shownFor.set(mark, shown);
        return says(kind === "good" ? mark : `${mark} ${"long ".repeat(400)}`);
      case "cut":
        return [...text("The user wants a pa"), finish("length")];
      case "empty":
        return [finish()];
      case "thoughts":
        return [...text("<think>what was it"), finish()];
      case "call":
        return [...text("I look"), ...toolCall("x", "read", {}), finish("tool-calls")];
      case "filtered":
        return [...text("The"), finish("content-filter")];
      case "broken":
        return new APICallError({ message: "no", url: "", requestBodyValues: {}, statusCode: 400 });
    }
  }

  #tool(): Tool {
    const inputSchema = z.object({ length: z.number(), script: z.string(), n: z.number() });
    return {
      name: "read",
      description: "Reads.",
      inputSchema,
      execute: async (input) => {
        const { length, script, n } = inputSchema.parse(input);
        const said = this.#world.turns[this.#turn]?.steps[this.#step - 1]?.said;
        // One of the calls of a step is enough to say something.
        if (said !== undefined && n === this.#calls) void this.#send(said);
        return { output: `<${n}> ${filled(scripts[script as keyof typeof scripts], length)}` };
      },
    };
  }

  /** What the user says; the outcome of its run, if it is one of its own. */
  #send(planned: PlannedPrompt, runId?: string): Promise<TurnOutcome> {
    const said = saidOf(planned, this.#said.length);
    this.#said.push(said);
    const ended = new Deferred<TurnOutcome>();
    const prompt: Prompt = { text: said.text, attachments: filesOf(said) };
    this.#coordinator.accept(
      {
        sessionId,
        runId,
        clientId: "c",
        kind: "prompt",
        prompt,
        options: noOptions,
        whenBusy: usuallyWhenBusy(runId, {}),
      },
      {
        accepted: ({ run }) => run?.ended.promise.then((outcome) => ended.resolve(outcome)),
        refused: (error) => ended.reject(error),
      },
    );
    this.#coordinator.settle();
    return ended.promise;
  }
}
