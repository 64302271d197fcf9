// A scripted exchange of an editor with a Turnwire server, as a recording: two runs, a question, an
// invalid message, a request that nobody answers, and a completion that the editor does not acknowledge.

const began = Date.parse("2026-11-01T09:30:00Z");
const session = { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" };

/** The lines of the recording. */
export function exchange(): string[] {
  let at = began;
  const lines: string[] = [
    JSON.stringify({ recording: "turnwire", version: 1, at, hidden: false }),
    JSON.stringify({ kind: "start", at, command: ["turnwire", "serve"], pid: 4711 }),
  ];
  const put = (entry: object) => lines.push(JSON.stringify({ at, ...entry }));
  const say = (from: "client" | "server", message: object, after = 20, more: object = {}) => {
    at += after;
    const whole = { jsonrpc: "2.0", ...message };
    put({ kind: "message", from, bytes: JSON.stringify(whole).length, message: whole, ...more });
  };
  const tell = (method: string, params: object, after?: number) =>
    say("server", { method, params: { ...session, ...params } }, after);
  say("client", { id: 1, method: "initialize", params: { clientInfo: { name: "editor" } } });
  say("server", { id: 1, result: { serverInfo: { name: "turnwire" } } }, 180);
  say("client", {
    id: 2,
    method: "sendMessage",
    params: { ...session, runId: "r-1", prompt: "How many lines?" },
  });
  say("server", { id: 2, result: { runId: "r-1", state: "accepted" } }, 4);
  tell("sessionUpdated", { session: { title: "Count the lines" } });
  reply(tell, "r-1", "m-1", { toolCallId: "t-1", name: "bash" });
  tell("runActivity", { runId: "r-1", kind: "waitingForPermission" });
  const ask = { runId: "r-1", permissionId: "per_1", tool: "bash", description: "Run: wc -l" };
  say("server", { id: 0, method: "requestPermission", params: { ...session, ...ask } }, 2);
  say(
    "client",
    { id: 3, method: "sendMessage", params: { ...session, runId: "r-2", prompt: "And words?" } },
    400,
  );
  say("server", { id: 3, result: { runId: "r-2", state: "queued" } }, 3);
  say("client", { id: 0, result: { decision: "allow" } }, 900);
  tell("permissionResolved", { runId: "r-1", permissionId: "per_1", decision: "allow" });
  toolEnd(tell, "r-1", "m-1", { toolCallId: "t-1", name: "bash" });
  tell("messageCreated", {
    runId: "r-1",
    message: { id: "m-2", role: "assistant", model: "large-1", parts: [] },
  });
  for (const [index, piece] of ["There ", "are ", "42 ", "lines."].entries()) {
    const offset = index * 6;
    tell(
      "messageDelta",
      { runId: "r-1", messageId: "m-2", partIndex: 0, kind: "text", offset, delta: piece },
      60,
    );
  }
  complete(tell, {
    runId: "r-1",
    completionId: "cmp_1",
    sequence: 16,
    text: "There are 42 lines.",
  });
  say("client", { id: 4, method: "acknowledge", params: { completionIds: ["cmp_1"] } });
  say("server", { id: 4, result: { acknowledged: ["cmp_1"], unknown: [] } }, 6);
  say("client", { id: 5, method: "getSession", params: {} }, 30, {
    invalid: "protocol.md: params.sessionId: Invalid input: expected string, received undefined",
  });
  say("server", { id: 5, error: { code: -32602, message: "Invalid params" } }, 1);
  put({ kind: "stderr", text: "warn: params are not valid" });
  tell("messageCreated", {
    runId: "r-2",
    message: { id: "m-3", role: "assistant", model: "large-1", parts: [] },
  });
  complete(tell, { runId: "r-2", completionId: "cmp_2", sequence: 17, text: "And 99 words." });
  const second = {
    runId: "r-3",
    permissionId: "per_2",
    tool: "write",
    description: "Write notes.md",
  };
  say("server", { id: 1, method: "requestPermission", params: { ...session, ...second } }, 500);
  say("client", { id: 6, method: "ping" }, 60_000);
  complete(tell, {
    runId: "r-2",
    completionId: "cmp_2",
    sequence: 17,
    attempt: 2,
    text: "And 99 words.",
  });
  return lines;
}

type Tell = (method: string, params: object, after?: number) => void;
type Call = { readonly toolCallId: string; readonly name: string };

function message(id: string, call: Call, state: string) {
  const parts = [{ type: "toolCall", ...call, input: { command: "wc -l" }, state }];
  return { id, role: "assistant", model: "large-1", parts };
}

function reply(tell: Tell, runId: string, id: string, call: Call): void {
  tell("messageCreated", {
    runId,
    message: { id, role: "assistant", model: "large-1", parts: [] },
  });
  tell("messageUpdated", { runId, message: message(id, call, "pending") }, 350);
}

function toolEnd(tell: Tell, runId: string, id: string, call: Call): void {
  tell("messageUpdated", { runId, message: message(id, call, "running") }, 5);
  tell("messageUpdated", { runId, message: message(id, call, "completed") }, 240);
}

function complete(tell: Tell, params: object): void {
  const usage = { promptTokens: 900, completionTokens: 60, cachedPromptTokens: 600, cost: 0.0123 };
  tell("runComplete", { attempt: 1, status: "succeeded", usage, steps: 2, ...params }, 300);
}

/** So many requests with their answers, as the lines of a recording. */
export function manyMessages(count: number): string[] {
  const lines = [JSON.stringify({ recording: "turnwire", version: 1, at: began, hidden: false })];
  for (let index = 0; index < count; index++) {
    const isAnswer = index % 2 === 1;
    const id = index >> 1;
    const body = isAnswer
      ? { id, result: { value: "x".repeat(100) } }
      : { id, method: `method${id % 50}` };
    const from = isAnswer ? "server" : "client";
    const text = { jsonrpc: "2.0", ...body };
    lines.push(
      JSON.stringify({ kind: "message", at: began + index, from, bytes: 150, message: text }),
    );
  }
  return lines;
}
