// An agent for tests: it speaks ACP over stdin and stdout, and does what the prompt says, one step a
// line. What it is started with changes how it begins.
//
//   say TEXT, think TEXT, tool JSON, update JSON, ask JSON (a permission; then says what was chosen),
//   command NAME (tells a permission and a run of it), hang, deaf (also to a cancel), crash,
//   garbage, huge BYTES, askLong BYTES (a permission), answerLong BYTES (the answer to the prompt),
//   child SECONDS, bare SECONDS (a child without environment, in a session of its own, whose parent has
//   ended), stop REASON, fail JSON, twice, late TEXT, foreign TEXT, wrongIds,
//   steered (waits for a steering prompt, and says it), deafChild SECONDS (in a session of its own; ignores
//   SIGTERM), lose (the server is killed by SIGKILL, and nothing follows), loseAfter (after the answer),
//   askAndLose JSON (asks for a permission first), askOn (asks without end, and reads nothing)
//
// With `plays` it takes each prompt for a run of a random history (scriptedRun.mjs).
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { playRun } from "./scriptedRun.mjs";

const told = JSON.parse(process.env.AGENT ?? "{}");
const store = process.env.AGENT_STORE;
const seen = process.env.AGENT_SEEN;
const frames = process.env.AGENT_FRAMES;
/** What was kept of its sessions by this program. */
const kept = [];
/** Its parent when it began. */
const server = process.ppid;
const cancelled = new Map();
const steering = new Map();
const answers = new Map();
let lastAsked = -1;

const send = (message) => {
  if (message.method !== undefined && message.id !== undefined) record("asked", message);
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
};
const record = (what, frame) =>
  frames && appendFileSync(frames, `${JSON.stringify({ agent: process.pid, what, frame })}\n`);
const update = (sessionId, body) =>
  send({ method: "session/update", params: { sessionId, update: body } });
const chunk = (sessionId, kind, text, more = {}) =>
  update(sessionId, { sessionUpdate: kind, content: { type: "text", text }, ...more });
const note = (line) => seen && appendFileSync(seen, `${line}\n`);
const linesOf = (file) =>
  file && existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line !== "")
    : [];

/** Keeps a text of a session, or the session alone. Programs that live side by side share the file. */
function keep(sessionId, text) {
  kept.push({ sessionId, text });
  if (store) appendFileSync(store, `${JSON.stringify({ sessionId, text })}\n`);
}

/** The texts of a session; undefined if there is none. */
function textsOf(sessionId) {
  const all = store ? linesOf(store).map((line) => JSON.parse(line)) : kept;
  const own = all.filter((one) => one.sessionId === sessionId);
  return own.length === 0 ? undefined : own.flatMap(({ text }) => text ?? []);
}

function ask(method, params) {
  const id = ++lastAsked;
  send({ id, method, params });
  return new Promise((resolve) => answers.set(id, resolve));
}

const options = told.options ?? [
  { optionId: "yes", name: "Allow", kind: "allow_once" },
  { optionId: "ever", name: "Always", kind: "allow_always" },
  { optionId: "no", name: "Reject", kind: "reject_once" },
];

const steps = {
  say: (id, rest) => chunk(id, "agent_message_chunk", rest),
  think: (id, rest) => chunk(id, "agent_thought_chunk", rest),
  tool: (id, rest) => update(id, { sessionUpdate: "tool_call", ...JSON.parse(rest) }),
  update: (id, rest) => update(id, JSON.parse(rest)),
  async ask(id, rest) {
    const { result, error } = await ask("session/request_permission", {
      sessionId: id,
      toolCall: JSON.parse(rest),
      options,
    });
    chunk(
      id,
      "agent_message_chunk",
      `[${result?.outcome.optionId ?? result?.outcome.outcome ?? error.code}]`,
    );
  },
  async command(id, rest) {
    const toolCallId = `call-${rest}`;
    const call = { toolCallId, title: rest, kind: "execute", rawInput: { command: rest } };
    const { result } = await ask("session/request_permission", {
      sessionId: id,
      toolCall: call,
      options,
    });
    const isAllowed = result?.outcome.optionId === "yes";
    const content = [{ type: "content", content: { type: "text", text: `did ${rest}` } }];
    update(id, {
      sessionUpdate: "tool_call_update",
      toolCallId,
      status: isAllowed ? "completed" : "failed",
      content: isAllowed ? content : [],
    });
  },
  hang: (id) => new Promise((resolve) => cancelled.set(id, resolve)),
  deaf: () => new Promise(() => {}),
  crash() {
    process.stderr.write("the script says crash, and the key is s3cret-value\n");
    process.kill(process.pid, "SIGKILL");
    return new Promise(() => {});
  },
  exit() {
    process.stderr.write("the script says exit, and the key is s3cret-value\n", () =>
      process.exit(3),
    );
    return new Promise(() => {});
  },
  garbage: () => process.stdout.write("hello\n{not json\n[]\n17\n\u0000\n"),
  huge: (_, rest) => process.stdout.write(`"${"x".repeat(Number(rest))}"\n`),
  child: (_, rest) => void spawn("sleep", [rest], { detached: true, stdio: "ignore" }),
  bare: (_, rest) =>
    void spawn("sh", ["-c", `env -i setsid sleep ${rest} & exit 0`], { stdio: "ignore" }),
  deafChild: (_, rest) =>
    void spawn("sh", ["-c", `trap '' TERM; exec sleep ${rest}`], {
      detached: true,
      stdio: "ignore",
    }),
  lose: () => lose(),
  askAndLose(id, rest) {
    void ask("session/request_permission", { sessionId: id, toolCall: JSON.parse(rest), options });
    return lose();
  },
  steered: (id) =>
    new Promise((resolve) => {
      cancelled.set(id, resolve);
      steering.set(id, (text) => resolve(chunk(id, "agent_message_chunk", text)));
    }),
  askLong: (id, rest) => {
    const rawInput = { text: "x".repeat(Number(rest)) };
    return steps.ask(id, JSON.stringify({ toolCallId: "long", kind: "edit", rawInput }));
  },
  async askOn() {
    input.pause();
    process.stdin.pause();
    const filling = "x".repeat(100_000);
    for (let asked = 0; ; asked++) {
      const message = { id: `${filling}${asked}`, method: "fs/none", params: {} };
      const line = JSON.stringify({ jsonrpc: "2.0", ...message });
      await new Promise((resolve) => process.stdout.write(`${line}\n`, resolve));
    }
  },
  foreign: (_, rest) => chunk("another session", "agent_message_chunk", rest),
  wrongIds() {
    send({ id: 4711, result: { stopReason: "refusal" } });
    send({ id: "1", error: { code: 1, message: "no" } });
    send({ id: null, result: {} });
  },
  async method(id) {
    const { error } = await ask("fs/read_text_file", { sessionId: id, path: "/etc/passwd" });
    chunk(id, "agent_message_chunk", `[${error?.code}]`);
  },
};

/** The server dies. What it was sent before may have reached it. */
function lose() {
  process.kill(server, "SIGKILL");
  return new Promise(() => {});
}

/** Notes the programs before this one that still live. */
function noteOthers() {
  for (const line of linesOf(seen)) {
    const pid = Number(/^start (\d+)$/.exec(line)?.[1] ?? process.pid);
    if (pid === process.pid) continue;
    // One that is dead stays listed until the system has noticed it.
    const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", `${pid}`], { encoding: "utf8" });
    if (/^\s*[^Z\s]/.test(stdout)) note(`alive ${pid} ${stdout.trim()}`);
  }
}

async function prompt(id, { sessionId, prompt: blocks }) {
  const text = blocks.map((one) => one.text ?? `<${one.type}>`).join("\n");
  note(`prompt ${JSON.stringify(text)}`);
  keep(sessionId, text);
  cancelled.delete(sessionId);
  if (told.plays) {
    const stopReason = await playRun({
      texts: textsOf(sessionId),
      prompt: blocks.at(-1).text,
      pauseMs: told.plays.pauseMs,
      noted: linesOf(seen),
      note,
      onCancel: (stop) => cancelled.set(sessionId, stop),
      step: (verb, rest) => steps[verb](sessionId, rest),
    });
    return send({ id, result: { stopReason } });
  }
  let answer = { result: { stopReason: "end_turn", ...told.answer } };
  let after = () => {};
  for (const line of blocks.at(-1).text?.split("\n") ?? []) {
    const [, verb = "", rest = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    if (verb === "stop") answer = { result: { stopReason: rest } };
    else if (verb === "fail") answer = { error: JSON.parse(rest) };
    else if (verb === "loseAfter") after = lose;
    else if (verb === "answerLong") answer.result.note = "x".repeat(Number(rest));
    else if (verb === "twice") after = () => send({ id, result: { stopReason: "refusal" } });
    else if (verb === "late") after = () => chunk(sessionId, "agent_message_chunk", rest);
    else if (steps[verb]) {
      const how = await steps[verb](sessionId, rest);
      if (how === "cancelled") {
        answer = { result: { stopReason: "cancelled" } };
        break;
      }
    } else chunk(sessionId, "agent_message_chunk", line);
  }
  send({ id, ...answer });
  after();
}

function open(id, sessionId, { mcpServers }) {
  note(`servers ${JSON.stringify(mcpServers)}`);
  send({ id, result: { sessionId, ...told.session } });
  if (told.commands)
    update(sessionId, {
      sessionUpdate: "available_commands_update",
      availableCommands: told.commands,
    });
}

const methods = {
  initialize: (id) => {
    if (told.losesAt === "initialize") return void lose();
    if (told.silent) return;
    if (told.initError) return send({ id, error: told.initError });
    send({
      id,
      result: {
        protocolVersion: told.version ?? 1,
        agentCapabilities: { loadSession: told.noLoad !== true, ...told.capabilities },
        agentInfo: { name: "scripted", version: "1" },
        ...told.initialize,
        authMethods: [{ id: "web", name: "Log in on the web" }],
      },
    });
  },
  "session/new": (id, params) => {
    if (told.losesAt === "new") return void lose();
    if (told.newError) return send({ id, error: told.newError });
    const sessionId = `own-${process.pid}-${Date.now()}-${kept.length}`;
    keep(sessionId);
    open(id, sessionId, params);
    if (told.losesAt === "opened") lose();
  },
  "session/close": (id, { sessionId }) => {
    note(`close ${textsOf(sessionId) !== undefined}`);
    send({ id, result: {} });
  },
  "_session/steering": (id, { sessionId, prompt: [{ text }] }) => {
    note(`steering ${JSON.stringify(text)}`);
    if (told.steering) return send({ id, ...told.steering });
    send({ id, result: { outcome: "injected" } });
    steering.get(sessionId)?.(text);
  },
  "session/load": (id, params) => {
    const { sessionId } = params;
    const texts = textsOf(sessionId);
    note(`load ${texts !== undefined}`);
    if (texts === undefined)
      return send({ id, error: { code: -32002, message: "no such session" } });
    for (const text of texts) {
      chunk(sessionId, "user_message_chunk", text);
      chunk(sessionId, "agent_message_chunk", "REPLAYED");
    }
    open(id, sessionId, params);
  },
  "session/prompt": (id, params) => void prompt(id, params),
  "session/cancel": (_, { sessionId }) => cancelled.get(sessionId)?.("cancelled"),
  "session/set_config_option": (id, params) => {
    note(`set ${params.configId} ${params.value}`);
    const option = told.session.configOptions.find((one) => one.id === params.configId);
    option.currentValue = params.value;
    send({ id, result: { configOptions: told.session.configOptions } });
  },
  "session/set_mode": (id, params) => {
    note(`mode ${params.modeId}`);
    send({ id, result: {} });
  },
};

noteOthers();
note(`start ${process.pid}`);
if (told.leaves) steps.child("", told.leaves);
const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  const frame = JSON.parse(line);
  record("got", frame);
  const { id, method, params, ...answer } = frame;
  if (method === undefined) {
    answers.get(id)?.(answer);
    answers.delete(id);
  } else if (methods[method]) methods[method](id, params);
  else if (id !== undefined) send({ id, error: { code: -32601, message: "Method not found" } });
});
if (told.stubborn) {
  process.on("SIGTERM", () => {});
  setInterval(() => {}, 1_000);
}
