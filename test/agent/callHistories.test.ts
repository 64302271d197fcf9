// Random histories of one reply's calls: readers that run side by side, readers that ask first, calls
// that write, calls that fail. Gates end them and answer their questions in any order, and in some
// histories the user cancels, or the sink fails, somewhere on the way.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mostCallsAtOnce } from "../../src/agent/callOrder.js";
import { Deferred } from "../../src/base/deferred.js";
import { PermissionRefused } from "../../src/permissions/requirePermission.js";
import type { PermissionVerdict } from "../../src/permissions/types.js";
import { defineTool } from "../../src/tools/defineTool.js";
import type { Tool, ToolContext, ToolResult } from "../../src/tools/tool.js";
import { TestTurn, textTool } from "../helpers/agentTurn.js";
import { FakeModel, finish, says, toolCall } from "../helpers/fakeModel.js";

const kinds = ["look", "visit", "change", "nothing"] as const;
type Kind = (typeof kinds)[number];

/** What the history does next: which of the open gates it opens, and how. */
interface Step {
  readonly pick: number;
  readonly isGood: boolean;
}

interface Plan {
  readonly calls: readonly Kind[];
  readonly steps: readonly Step[];
  /** After so many steps the user cancels; undefined: never. */
  readonly cancelAfter: number | undefined;
  /** After so many steps the sink cannot store; undefined: never. */
  readonly breakAfter: number | undefined;
}

const maxDenials = 3;
/** What may run beside others; `nothing` is no tool at all, and so it runs alone. */
const reads: ReadonlySet<Kind> = new Set(["look", "visit"]);

/** A gate that waits, and what opening it does. */
interface Gate {
  readonly index: number;
  readonly isQuestion: boolean;
  open(isGood: boolean): void;
}

/** The world of one history: its tools, its questions, and what was seen of them. */
class World {
  readonly turn = new TestTurn();
  readonly gates: Gate[] = [];
  readonly running = new Set<number>();
  /** The calls that ended as the history wanted. */
  readonly good = new Set<number>();
  readonly denied: number[] = [];
  /** Set when the sink is to fail. */
  isBroken = false;
  readonly #calls: readonly Kind[];

  constructor(calls: readonly Kind[]) {
    this.#calls = calls;
    this.turn.sink.onChange = () => {
      if (this.isBroken) throw new Error("the sink cannot store");
    };
  }

  get tools(): Tool[] {
    const execute = (text: string, context: ToolContext) => this.#run(Number(text), context);
    return [
      defineTool({ ...textTool("look", execute), readOnly: true }),
      defineTool({ ...textTool("visit", execute), readOnly: true }),
      textTool("change", execute),
    ];
  }

  async #run(index: number, context: ToolContext): Promise<ToolResult> {
    this.#begins(index);
    try {
      if (this.#calls[index] === "visit") await this.#ask(index, context);
      const isGood = await this.#gate(index, false, context.signal);
      if (!isGood) return { output: `bad ${index}`, isError: true };
      this.good.add(index);
      return { output: `good ${index}` };
    } finally {
      this.running.delete(index);
    }
  }

  #begins(index: number): void {
    this.running.add(index);
    expect(this.running.size).toBeLessThanOrEqual(mostCallsAtOnce);
    const [from, to] = [Math.min(...this.running), Math.max(...this.running)];
    if (from === to) return;
    // All that run together only read, and so does everything between them.
    const between = this.#calls.slice(from, to + 1);
    expect(between.every((kind) => reads.has(kind))).toBe(true);
  }

  async #ask(index: number, context: ToolContext): Promise<void> {
    const subject = { kind: "tool", value: "visit" } as const;
    const need = { tool: "visit", action: "read", description: "", subject, input: {} } as const;
    const { toolCallId } = context;
    const verdict = await context.permissions.check({ ...need, toolCallId }, context.signal);
    if (!verdict.allowed) {
      this.denied.push(index);
      throw new PermissionRefused(verdict.message);
    }
  }

  /** The gate of the turn's permissions. */
  async check(toolCallId: string, signal: AbortSignal): Promise<PermissionVerdict> {
    const allowed = await this.#gate(Number(toolCallId.slice(1)), true, signal);
    return allowed ? { allowed } : { allowed, message: "The user denied it." };
  }

  async #gate(index: number, isQuestion: boolean, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = new Deferred<boolean>();
    const gate = { index, isQuestion, open: resolve };
    this.gates.push(gate);
    const onAbort = () => {
      this.gates.splice(this.gates.indexOf(gate), 1);
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    return promise.finally(() => signal.removeEventListener("abort", onAbort));
  }

  /** Opens one of the gates; false if none waits. */
  take({ pick, isGood }: Step): boolean {
    const [gate] = this.gates.splice(pick % Math.max(1, this.gates.length), 1);
    gate?.open(isGood);
    return gate !== undefined;
  }
}

/** Everything happens that waits for no gate; a reply streams over several turns of the loop. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

const plans = fc.record({
  calls: fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 14 }),
  steps: fc.array(fc.record({ pick: fc.nat(20), isGood: fc.boolean() }), {
    maxLength: 40,
    size: "max",
  }),
  cancelAfter: fc.option(fc.nat(12), { nil: undefined, freq: 3 }),
  breakAfter: fc.option(fc.nat(12), { nil: undefined, freq: 5 }),
});

async function play(plan: Plan) {
  const world = new World(plan.calls);
  const parts = plan.calls.flatMap((kind, index) =>
    toolCall(`c${index}`, kind, { text: String(index) }),
  );
  const model = new FakeModel([...parts, finish("tool-calls")], says("done"));
  const running = { isOver: false };
  const check = (need: { toolCallId: string }, signal: AbortSignal) =>
    world.check(need.toolCallId, signal);
  const limits = { maxSteps: 20, providerIdleSeconds: 300, maxDenials, toolSeconds: 600 };
  const outcome = world.turn
    .run(model, { tools: world.tools, permissions: { check }, limits })
    .then(
      (ended) => ({ ...ended, runningAtEnd: world.running.size }),
      (error: Error) => ({ rejected: error.message, runningAtEnd: world.running.size }),
    )
    .finally(() => {
      running.isOver = true;
    });
  await rest();
  for (let taken = 0; !running.isOver; taken++) {
    if (taken === plan.cancelAfter) world.turn.cancel.abort();
    if (taken === plan.breakAfter) world.isBroken = true;
    else world.take(plan.steps[taken] ?? { pick: 0, isGood: true });
    await rest();
    if (taken > 100) throw new Error("the turn does not end");
  }
  return { world, outcome: await outcome };
}

function resultsOf({ turn }: World) {
  return (turn.sink.messages[2]?.parts ?? []).filter((part) => part.type === "toolResult");
}

function statesOf({ turn }: World) {
  return (turn.sink.messages[1]?.parts ?? []).flatMap((part) =>
    part.type === "toolCall" ? [part.state] : [],
  );
}

describe("the calls of a reply", () => {
  it("keep every promise, whatever ends, is denied, is cancelled or breaks first", async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const { world, outcome } = await play(plan);
        // Whatever happened: the turn ends only after everything that it began.
        expect(outcome.runningAtEnd).toBe(0);
        expect(world.gates).toEqual([]);
        if ("rejected" in outcome) {
          expect(outcome.rejected).toBe("the sink cannot store");
          expect(world.isBroken).toBe(true);
          return;
        }
        const results = resultsOf(world);
        const states = statesOf(world);
        expect(results.map(({ toolCallId }) => toolCallId)).toEqual(
          plan.calls.map((_, index) => `c${index}`),
        );
        for (const [index, { output, isError }] of results.entries()) {
          const state = states[index];
          expect(["completed", "failed", "denied", "cancelled"]).toContain(state);
          expect(isError).toBe(state !== "completed");
          expect(state === "completed").toBe(output.startsWith(`good ${index}`));
          expect(state === "denied").toBe(world.denied.includes(index));
        }
        expect(outcome.denials ?? 0).toBe(world.denied.length);
        // What was allowed to end well is kept, also where the turn was stopped afterwards.
        for (const index of world.good) expect(states[index]).toBe("completed");
        const isCancelled = world.turn.cancel.signal.aborted && outcome.status !== "succeeded";
        if (isCancelled) {
          expect(outcome.status).toBe("cancelled");
        } else if (outcome.status === "failed") {
          expect(outcome).toMatchObject({ errorName: "PermissionDenied", cause: "limit" });
          expect(world.denied.length).toBeGreaterThanOrEqual(maxDenials);
        } else {
          expect(outcome).toMatchObject({ status: "succeeded", text: "done" });
          expect(states).not.toContain("cancelled");
        }
      }),
      { numRuns: 250 },
    );
  });

  it("are begun at once where all of them only read, and asked about side by side", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom<Kind>("look", "visit"), { minLength: 1, maxLength: 14 }),
        async (calls) => {
          const world = new World(calls);
          const parts = calls.flatMap((kind, index) =>
            toolCall(`c${index}`, kind, { text: String(index) }),
          );
          const model = new FakeModel([...parts, finish("tool-calls")], says("done"));
          const check = (need: { toolCallId: string }, signal: AbortSignal) =>
            world.check(need.toolCallId, signal);
          const outcome = world.turn.run(model, { tools: world.tools, permissions: { check } });
          await rest();
          const first = calls.slice(0, mostCallsAtOnce);
          expect(world.gates.map(({ isQuestion }) => isQuestion)).toEqual(
            first.map((kind) => kind === "visit"),
          );
          while (world.take({ pick: 0, isGood: true })) await rest();
          expect(await outcome).toMatchObject({ status: "succeeded" });
        },
      ),
      { numRuns: 40 },
    );
  });
});
