// Makes an editor's updates of tool calls: a call is told once, and then what changes of it.
import type {
  SessionUpdate,
  ToolCallContent,
  ToolCallLocation,
  ToolCallStatus,
  ToolKind,
} from "@agentclientprotocol/sdk";
import { defined } from "../base/defined.js";
import type { Part, ToolCallState } from "../protocol/objects/message.js";
import type { PermissionQuestion } from "../protocol/registry.js";
import { fileDiff } from "./fileDiff.js";
import { kindOf, locationsOf, statusOf, titleOf } from "./toolShape.js";

/** The most of a command's output that is shown while it runs, in UTF-16 units: an update replaces it. */
const shownOutput = 8_000;
/** An output is shown anew when it has grown by so much. */
const leastGrowth = 2_000;

/** What is known of one call. */
interface Call {
  /** Its id for the editor: providers give the same one again in a later reply. */
  readonly id: string;
  readonly tool: string;
  input: unknown;
  state: ToolCallState | undefined;
  /** What it has written so far, and how much of that is shown. */
  output: string;
  shown: number;
  /** A question has shown it in its own words since it was last told. */
  wasAsked: boolean;
  result: (Part & { type: "toolResult" }) | undefined;
}

const newCall = { state: undefined, output: "", shown: 0, wasAsked: false, result: undefined };

/** What an editor is shown of a call; what is absent stays as it was. */
interface ShownCall {
  toolCallId: string;
  title: string;
  kind: ToolKind;
  status: ToolCallStatus;
  content?: ToolCallContent[];
  locations?: ToolCallLocation[];
  rawInput?: unknown;
  _meta?: Record<string, unknown>;
}

type ToolPart = Exclude<Part, { type: "text" | "reasoning" | "finish" }>;

/** The tool calls of one session. */
export class ToolCallFeed {
  readonly #send: (update: SessionUpdate) => Promise<void>;
  readonly #cwd: string;
  readonly #showsTerminals: boolean;
  /** By the provider's id: the newest call that has it. */
  readonly #calls = new Map<string, Call>();
  /** Which call a part of a tool message belongs to. */
  readonly #outputs = new Map<string, Call>();

  constructor(
    send: (update: SessionUpdate) => Promise<void>,
    cwd: string,
    showsTerminals: boolean,
  ) {
    this.#send = send;
    this.#cwd = cwd;
    this.#showsTerminals = showsTerminals;
  }

  /** Forgets the calls of a turn. */
  turnEnded(): void {
    this.#calls.clear();
    this.#outputs.clear();
  }

  /** A part of a message: a call, its result, or an attachment of it. */
  async part(messageId: string, index: number, part: ToolPart): Promise<void> {
    if (part.type === "toolCall") await this.#call(messageId, part);
    else if (part.type === "toolResult") await this.#result(messageId, index, part);
  }

  /** What a running call has written since. */
  async output(messageId: string, index: number, offset: number, delta: string): Promise<void> {
    const call = this.#outputs.get(`${messageId} ${index}`);
    if (call === undefined || (call.state !== undefined && isFinal(call.state))) return;
    const known = call.output.length;
    // After a gap the rest is shown; the result has all of it.
    const fresh = offset >= known ? delta : delta.slice(known - offset);
    if (fresh === "") return;
    call.output = `${call.output}${fresh}`;
    const update = { sessionUpdate: "tool_call_update", toolCallId: call.id } as const;
    if (this.#isTerminal(call.tool)) {
      const _meta = { terminal_output: { terminal_id: call.id, data: fresh } };
      await this.#send({ ...update, _meta });
      return;
    }
    // An update replaces all that is shown, so a long output is not sent again for every line of it.
    if (call.shown > 0 && call.output.length - call.shown < leastGrowth) return;
    call.shown = call.output.length;
    await this.#send({ ...update, content: [textContent(call.output.slice(-shownOutput))] });
  }

  /** The call that a question is about, as the question must show it: the change before all else. */
  async asked(question: PermissionQuestion): Promise<ShownCall> {
    const { tool, toolCallId, input, path, diff, locations } = question;
    const call = this.#calls.get(toolCallId);
    const id = call?.id ?? `${question.permissionId}/${toolCallId}`;
    const content: ToolCallContent[] = [];
    if (diff !== undefined && path !== undefined) {
      content.push({ type: "diff", ...(await fileDiff(path, diff, "before")) });
    }
    content.push(textContent(question.description));
    const shown: ShownCall = {
      toolCallId: id,
      title: titleOf(tool, input),
      kind: kindOf(tool),
      status: "pending",
      content,
      locations:
        locations.length > 0
          ? locations.map(({ path: file, line }) => ({ path: file, ...defined({ line }) }))
          : locationsOf(this.#cwd, { path }),
      rawInput: input,
    };
    // An editor that does not know the call learns of it first.
    if (call === undefined) await this.#send({ sessionUpdate: "tool_call", ...shown });
    else call.wasAsked = true;
    return shown;
  }

  async #call(messageId: string, part: Part & { type: "toolCall" }): Promise<void> {
    const { toolCallId, name, input, state } = part;
    const id = `${messageId}/${toolCallId}`;
    const known = this.#calls.get(toolCallId);
    const isNew = known?.id !== id;
    const call = isNew ? { ...newCall, id, tool: name, input } : known;
    if (isNew) this.#calls.set(toolCallId, call);
    if (call.state === state) return;
    const before = call.state;
    // A later call of the same reply can bring an older state of this one.
    if (before !== undefined && isFinal(before)) return;
    call.state = state;
    call.input = input;
    // In a replay a call is told with its end, and its result follows.
    if (isNew) return this.#send({ sessionUpdate: "tool_call", name, ...this.#facts(call) });
    if (isFinal(state)) return this.#end(call);
    // All else was told when the input was whole; a question replaces it, also by that of a sub-task.
    const isWhole = before === "streaming" || (call.wasAsked && state === "running");
    if (isWhole) call.wasAsked = false;
    const shown = isWhole ? this.#facts(call) : { toolCallId: call.id, status: statusOf(state) };
    await this.#send({ sessionUpdate: "tool_call_update", ...shown });
  }

  /** What can be said of a call before its end. */
  #facts({ id, tool, input, state }: Call): ShownCall {
    // While the input streams it is a piece of text, which tells nobody anything.
    const isWhole = state !== "streaming";
    return {
      toolCallId: id,
      title: isWhole ? titleOf(tool, input) : tool,
      kind: kindOf(tool),
      status: statusOf(state ?? "pending"),
      ...defined({
        rawInput: isWhole ? input : undefined,
        locations: isWhole ? locationsOf(this.#cwd, input) : undefined,
      }),
      ...(this.#isTerminal(tool) ? terminalOf(id, this.#cwd) : undefined),
    };
  }

  async #result(
    messageId: string,
    index: number,
    part: Part & { type: "toolResult" },
  ): Promise<void> {
    const call = this.#calls.get(part.toolCallId);
    if (call === undefined || call.result === part) return;
    this.#outputs.set(`${messageId} ${index}`, call);
    call.result = part;
    // In a replay the call is told with its end, before the message that has its result.
    if (call.state !== undefined && isFinal(call.state)) await this.#end(call);
  }

  /** The call is over: its outcome is told once, with all that it is to show. */
  async #end(call: Call): Promise<void> {
    const { id, result, state, input } = call;
    const status = statusOf(state ?? "cancelled");
    if (result === undefined) {
      await this.#send({ sessionUpdate: "tool_call_update", toolCallId: id, status });
      return;
    }
    const { output, diff } = result;
    const [location] = locationsOf(this.#cwd, input);
    const content: ToolCallContent[] = [];
    if (diff !== undefined && location !== undefined) {
      content.push({ type: "diff", ...(await fileDiff(location.path, diff, "after")) });
    } else {
      content.push(textContent(output));
    }
    const isTerminal = this.#isTerminal(call.tool);
    if (isTerminal && call.output === "") await this.#fillTerminal(call, output);
    const shown = isTerminal ? { _meta: terminalExit(id, status, output) } : { content };
    await this.#send({
      sessionUpdate: "tool_call_update",
      toolCallId: id,
      status,
      rawOutput: output,
      ...shown,
    });
  }

  /** Nothing was written into the terminal, as in a replay, or where the command did not run. */
  async #fillTerminal({ id }: Call, data: string): Promise<void> {
    await this.#send({
      sessionUpdate: "tool_call_update",
      toolCallId: id,
      content: [{ type: "terminal", terminalId: id }],
      _meta: { terminal_output: { terminal_id: id, data } },
    });
  }

  /** Whether the editor shows the output itself, as it comes. */
  #isTerminal(tool: string): boolean {
    return this.#showsTerminals && tool === "bash";
  }
}

/** The terminal of an editor that shows a command's output. */
function terminalOf(id: string, cwd: string): Pick<ShownCall, "content" | "_meta"> {
  return {
    content: [{ type: "terminal", terminalId: id }],
    _meta: { terminal_info: { terminal_id: id, cwd } },
  };
}

/** How the command of a terminal ended. Its result tells an exit code only where it is not 0. */
function terminalExit(id: string, status: ToolCallStatus, output: string) {
  const told = [...output.slice(-1_000).matchAll(/^\[exit code (\d+)\]$/gm)].at(-1)?.[1];
  const exit_code = status === "completed" ? 0 : Number(told ?? 1);
  return { terminal_exit: { terminal_id: id, exit_code, signal: null } };
}

function isFinal(state: ToolCallState): boolean {
  return ["completed", "failed", "denied", "cancelled"].includes(state);
}

function textContent(text: string): ToolCallContent {
  return { type: "content", content: { type: "text", text } };
}
