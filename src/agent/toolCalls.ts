// Runs the tool calls of a reply. Calls that only read run at the same time; every other call runs
// alone, in the order of the reply. Each call ends with exactly one result, also in these cases:
// the tool is unknown, its input wrong, its permission denied, the turn cancelled.
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { faultPoint } from "../base/faultPoint.js";
import { InputChanged } from "../base/inputChanged.js";
import { TurnParked } from "../base/turnParked.js";
import type { MessageWriter } from "../engine/engine.js";
import type { OneAllowance, PermissionNeed, Permissions } from "../permissions/types.js";
import type { Tool } from "../tools/tool.js";
import { refusedBefore, standingResult } from "./begunReply.js";
import { runInOrder } from "./callOrder.js";
import { ChangedCall } from "./changedCall.js";
import type { TurnFailure } from "./outcome.js";
import { RepeatedReplies } from "./repeatedReplies.js";
import { ResultPart } from "./resultPart.js";
import {
  attachImages,
  cancelledResult,
  failedResult,
  type Settled,
  setInput,
  setState,
  settle,
  settledResult,
  signatureOf,
} from "./settledCall.js";
import type { RequestedCall } from "./streamedReply.js";
import { offeredTools, takenAs } from "./toolDefinitions.js";
import { checkToolInput } from "./toolInput.js";
import { type AskingCall, inOneCommit, type RunningCall, Step } from "./toolStep.js";
import { surroundingsOf, tracedCall } from "./tracedCall.js";
import type { TurnInput, TurnPorts } from "./turn.js";

/** The result of running the calls of one reply. */
export interface ToolStep {
  /** The stored `tool` message. */
  readonly message: MessageWriter;
  /** Set when the turn must not go on. */
  readonly failure?: TurnFailure;
}

/** Runs the tool calls of one turn, and counts what limits it. */
export class ToolCalls {
  readonly #input: TurnInput;
  readonly #ports: TurnPorts;
  readonly #tools: ReadonlyMap<string, Tool>;
  readonly #repeated: RepeatedReplies;
  #denialsInRow: number;
  #denials: number;

  constructor(input: TurnInput, ports: TurnPorts) {
    this.#input = input;
    this.#ports = ports;
    this.#repeated = new RepeatedReplies(input.begun);
    const { all, inRow } = refusedBefore(input.begun);
    this.#denials = all;
    this.#denialsInRow = inRow;
    this.#tools = new Map(input.tools.map((tool) => [tool.name, tool]));
  }

  /** How many permissions were refused so far. */
  get denials(): number {
    return this.#denials;
  }

  /**
   * Runs the calls and stores their results. Returns only after every tool that began has ended.
   *
   * @param assistant the message with the calls; their states are updated in it.
   * @param unfit returns why a call must not be run; undefined if it may.
   * @param begun the message of results, if another server has begun it.
   */
  async run(
    calls: readonly RequestedCall[],
    assistant: MessageWriter,
    unfit: (call: RequestedCall) => string | undefined,
    begun?: MessageWriter,
  ): Promise<ToolStep> {
    const message = begun ?? this.#ports.sink.createMessage({ role: "tool" });
    const step = new Step(message, assistant, unfit);
    await runInOrder(
      calls,
      ({ name }) => this.#tools.get(name)?.readOnly === true,
      (group) => this.#begin(group, step),
    );
    this.#judgeLast(calls.at(-1), step);
    return { message, ...defined({ failure: step.failure }) };
  }

  /** Judges the reply as a whole. A message to the model about it is added to the last result. */
  #judgeLast(call: RequestedCall | undefined, step: Step): void {
    const last = call && step.ended.get(call);
    if (call === undefined || last === undefined || last.settled.state === "cancelled") return;
    step.failure ??= this.#repeated.judge(step.signatures, call);
    const warned = this.#repeated.withWarning(last.settled);
    if (warned !== last.settled) last.result.set(warned);
  }

  /** Adds parts for the results of calls that run together, in the order of the reply. */
  #begin(group: readonly RequestedCall[], step: Step): (call: RequestedCall) => Promise<void> {
    const results = new Map(group.map((call) => [call, new ResultPart(step.message, call)]));
    let open = group.length;
    // A single call needs no separate signal, because no other call runs with it.
    const stop = group.length > 1 ? new AbortController() : undefined;
    const signal = stop ? AbortSignal.any([this.#input.signal, stop.signal]) : this.#input.signal;
    return async (call) => {
      const result = results.get(call);
      if (result === undefined) throw new TypeError("a call of another group");
      const standing = this.#standing(step, call);
      const reason = step.failure ? "It was not run: the turn was stopped." : step.unfit(call);
      const running = { call, assistant: step.assistant, result, signal };
      const settled = standing ?? (await this.#settle(running, reason));
      faultPoint("toolDone");
      inOneCommit(this.#ports.sink, () => {
        attachImages(step.message, call, settled);
        settle(step.assistant, call, result, settled);
        open--;
        // What the next server finds remembered must be in results that it finds too.
        if (open === 0) this.#remember();
      });
      faultPoint("resultStored");
      step.ended.set(call, { result, settled });
      if (settled.state === "cancelled") return;
      step.signatures.add(signatureOf(call, settled));
      step.failure ??= this.#judgeDenials(settled);
      if (step.failure) stop?.abort();
    };
  }

  /** The result of a call that another server has begun. */
  #standing(step: Step, call: RequestedCall): Settled | undefined {
    const { begun, output } = this.#input;
    if (begun === undefined) return undefined;
    const standing = standingResult(step, call, begun.mayStillRun);
    const isOutput = call.name === output?.tool.name && standing?.state === "completed";
    if (isOutput && call.input.ok) output?.restore(call.input.value);
    return standing;
  }

  #remember(): void {
    const { goesOn, memory } = this.#input;
    const now = goesOn?.() === true ? memory?.() : undefined;
    if (now !== undefined) this.#ports.sink.remembered?.(now);
  }

  #parkIfAsked(): void {
    if (this.#input.parking?.aborted && !this.#input.signal.aborted) throw new TurnParked();
  }

  /** Runs a call, unless there is a reason not to. */
  async #settle(running: RunningCall, reason: string | undefined): Promise<Settled> {
    if (this.#input.signal.aborted) return cancelledResult("Cancelled before it ran.");
    if (reason !== undefined) return failedResult(reason);
    const tool = this.#tools.get(running.call.name);
    return tracedCall(running.call, tool, () => this.#runOne(running, tool));
  }

  /** Gives every call a result without running it, because the reply failed. */
  cutOff(
    calls: readonly RequestedCall[],
    assistant: MessageWriter,
    state: "cancelled" | "failed",
  ): MessageWriter | undefined {
    if (calls.length === 0) return undefined;
    const message = this.#ports.sink.createMessage({ role: "tool" });
    const output =
      state === "cancelled" ? "Cancelled before it ran." : "It was not run: the reply broke off.";
    for (const call of calls) {
      const result = { output, isError: true, state };
      settle(assistant, call, new ResultPart(message, call), result);
    }
    return message;
  }

  /** Whether the turn must end because of this result. */
  #judgeDenials(settled: Settled): TurnFailure | undefined {
    const { maxDenials } = this.#input.limits;
    this.#denialsInRow = settled.denied ? this.#denialsInRow + 1 : 0;
    if (!settled.denied || this.#denialsInRow < maxDenials) return undefined;
    const message = `The turn was ended after ${maxDenials} denied permissions in a row.`;
    return { errorName: "PermissionDenied", message, cause: "limit" };
  }

  async #runOne(running: RunningCall, tool: Tool | undefined): Promise<Settled> {
    const { call, result } = running;
    if (tool === undefined) return failedResult(this.#unknownTool(call.name));
    if (this.#input.isOffered?.(tool) === false) {
      return failedResult(`"${call.name}" is not to be used in the present permission mode.`);
    }
    if (!call.input.ok) return failedResult(call.input.problem);
    const checked = checkToolInput(tool.inputSchema, takenAs(tool), call.input.value);
    if (!checked.ok) return failedResult(checked.problem);
    try {
      let ended = await this.#execute(tool, running, checked.value);
      let changed: ChangedCall | undefined;
      while (ended instanceof InputChanged) {
        changed = new ChangedCall(tool, ended.input);
        if (!changed.checked.ok) return changed.unfit(changed.checked.problem);
        setInput(running.assistant, call, changed.input);
        ended = await this.#execute(tool, running, changed.checked.value, changed);
      }
      return changed === undefined ? ended : changed.tell(ended);
    } finally {
      result.close();
    }
  }

  /** Runs a call with a checked input. If the user changes the input, nothing was changed yet. */
  async #execute(
    tool: Tool,
    { call, assistant, result, signal }: RunningCall,
    input: unknown,
    ofUser?: OneAllowance,
  ): Promise<Settled | InputChanged> {
    this.#parkIfAsked();
    // Of a run that goes on it must be known whether a tool can have had an effect. So it is marked as
    // running when its permission is given, and not before.
    const isMarkedLate = this.#input.goesOn?.() === true && tool.readOnly !== true;
    if (!isMarkedLate) setState(assistant, call, "running");
    await this.#ports.sink.stored?.();
    if (signal.aborted) return cancelledResult("Cancelled before it ran.");
    if (!isMarkedLate) faultPoint("toolRunning");
    try {
      const given = await tool.execute(input, {
        ...surroundingsOf(this.#input, this.#ports.log),
        signal,
        toolCallId: call.toolCallId,
        permissions: this.#permissions({ call, assistant, ofUser, isMarkedLate }),
        onOutput: (delta) => result.append(delta),
        setTodos: (todos) => this.#ports.sink.setTodos(todos),
        requestInput: async (question, asking) => this.#input.requestInput?.(question, asking),
      });
      return settledResult(given, signal.aborted);
    } catch (error) {
      if (error instanceof TurnParked) throw error;
      if (this.#input.signal.aborted) {
        return cancelledResult(result.withNote("Cancelled while it ran."));
      }
      if (signal.aborted) {
        return cancelledResult(result.withNote("Stopped while it ran: the turn was ended."));
      }
      if (error instanceof InputChanged) return error;
      this.#ports.log.error({ tool: call.name, error: messageOf(error) }, "a tool failed");
      return failedResult(`The tool failed unexpectedly: ${messageOf(error)}`);
    }
  }

  /** Shows the call as `pending` while its permission is being asked. */
  #permissions({ call, assistant, ofUser, isMarkedLate }: AskingCall): Required<Permissions> {
    const { sink } = this.#ports;
    let isMarked = false;
    const mark = () => {
      this.#parkIfAsked();
      isMarked = true;
      inOneCommit(sink, () => setState(assistant, call, "running"), true);
    };
    const begins = () => {
      // Whoever gives the turn up does not wait until the mark is stored: then nothing may be done.
      this.#input.signal.throwIfAborted();
      faultPoint("toolRunning");
    };
    return {
      hides: async (tools: readonly string[]) => this.#input.permissions.hides?.(tools),
      check: async (need: PermissionNeed, signal: AbortSignal, asks?: () => void) => {
        const pending = () => {
          if (!isMarked) setState(assistant, call, "pending");
          asks?.();
        };
        if (isMarkedLate) faultPoint("toolPending");
        const asked = { ...defined({ ofUser }), ...need };
        const verdict = await this.#input.permissions.check(asked, signal, pending);
        // Sub-tasks ask here too. Files that a search leaves out silently do not count as tried.
        const isTried = need.denyOnly !== true;
        if (!verdict.allowed && isTried) this.#denials++;
        if (!isMarkedLate) setState(assistant, call, "running");
        else if (verdict.allowed && isTried && verdict.input === undefined && !isMarked) mark();
        await sink.stored?.();
        if (isMarked) begins();
        return verdict;
      },
    };
  }

  #unknownTool(name: string): string {
    const names = offeredTools(this.#input).map((tool) => tool.name);
    const meant = names.find((known) => known.toLowerCase() === name.toLowerCase());
    const hint = meant === undefined ? "" : ` Did you mean "${meant}"?`;
    const all = names.length === 0 ? "There are none." : `The tools are: ${names.join(", ")}.`;
    return `There is no tool "${name}".${hint} ${all}`;
  }
}
