// A loopback provider that refuses what strict providers refuse, keeps count of who was asked for
// what, and answers by what the prompt asks for.
//
// A prompt names its run and the steps of its turn: `run-7: say` or `run-7: tool, tool, say`.
import { type ChatRequest, errorReply, reply, startLoopbackProvider } from "./loopbackProvider.js";

interface ToolCallOnWire {
  readonly id: string;
}

export interface StrictProvider {
  readonly config: object;
  /** What was wrong with requests; empty is what a test wants. */
  readonly complaints: readonly string[];
  /** How often each step of each run was asked for: `run-7#0`. */
  readonly asked: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** Starts it; `pauseMs` is how long each piece of a reply is waited for. */
export async function startStrictProvider(pauseMs: () => number): Promise<StrictProvider> {
  const provider = await startLoopbackProvider();
  const complaints: string[] = [];
  const asked = new Map<string, number>();
  const pause = () => new Promise<void>((resolve) => setTimeout(resolve, pauseMs()));
  const check = () => {
    const body = provider.requests.at(-1)?.body ?? { model: "", messages: [] };
    const found = complaintsAbout(body);
    complaints.push(...found);
    return { body, found };
  };
  provider.byDefault(() => {
    const { body, found } = check();
    if (found.length > 0) return errorReply(400, found.join("; "));
    const { runId, steps, step } = stepOf(body);
    const key = `${runId}#${step}`;
    asked.set(key, (asked.get(key) ?? 0) + 1);
    if (steps[step] === "tool") {
      return reply()
        .text("I look ")
        .gate(pause())
        .toolCall("bash", { command: `sleep 0.0${step + 1}; echo ${key}` }, { id: `call-${key}` });
    }
    return reply().text(`${runId} `).gate(pause()).text("is done").gate(pause()).text(".");
  });
  provider.onTitle(() => {
    const { found } = check();
    return found.length > 0 ? errorReply(400, found.join("; ")) : reply().text("A title");
  });
  return { config: provider.config(), complaints, asked, close: () => provider.close() };
}

/**
 * Where in its turn a request is: the last user message tells the run, what follows it the step. The
 * message also holds the prompts before, where no reply came between.
 */
function stepOf({ messages }: ChatRequest): { runId: string; steps: string[]; step: number } {
  const last = messages.findLastIndex(({ role }) => role === "user");
  const text = textOf(messages[last]?.content);
  const [, runId = "unknown", script = ""] = [...text.matchAll(/^(\S+): (.*)$/gm)].at(-1) ?? [];
  const step = messages.slice(last + 1).filter(({ role }) => role === "assistant").length;
  return { runId, steps: script.split(", "), step };
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part: { type?: unknown; text?: unknown }) => (part.type === "text" ? part.text : ""))
    .join("");
}

/** What a strict provider finds wrong with a conversation. */
function complaintsAbout({ messages }: ChatRequest): string[] {
  const complaints: string[] = [];
  let open = new Set<string>();
  const close = (index: number) => {
    for (const id of open) complaints.push(`message ${index}: call ${id} has no result`);
    open = new Set();
  };
  for (const [index, message] of messages.entries()) {
    if (message.role === "tool") {
      const id = String(message.tool_call_id);
      if (!open.delete(id)) complaints.push(`message ${index}: result ${id} has no call`);
      continue;
    }
    close(index);
    const calls = Array.isArray(message.tool_calls)
      ? (message.tool_calls as readonly ToolCallOnWire[])
      : [];
    open = new Set(calls.map(({ id }) => id));
    if (open.size < calls.length) complaints.push(`message ${index}: two calls share an id`);
    if (calls.length === 0 && textOf(message.content) === "") {
      complaints.push(`message ${index}: ${message.role} says nothing`);
    }
  }
  close(messages.length);
  return complaints;
}
