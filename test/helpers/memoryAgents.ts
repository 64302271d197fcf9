// Programs of an agent that run in memory: they speak ACP, and what a prompt or the opening of a session
// comes to is decided by the test. What an agent keeps on its disk outlives its programs.
import type {
  AgentProcessOptions,
  AgentProgram,
  StartAgentProgram,
} from "../../src/acpEngine/agentProcess.js";

export type Frame = Readonly<Record<string, unknown>> & {
  readonly id?: unknown;
  readonly method?: string;
};
type Params = Readonly<Record<string, unknown>>;

/** A prompt that an agent has got, and in which program. */
export interface SeenPrompt {
  readonly program: MemoryAgent;
  readonly sessionId: string;
  /** The last of its blocks: the user's own text. */
  readonly text: string;
  /** All of its blocks. */
  readonly all: string;
}

/** What an agent is made with. */
interface Abilities {
  /** Also takes prompts that join a turn. */
  readonly steering?: boolean;
  readonly noLoad?: boolean;
}

/** Answers a request, in the place of what the agent would do. */
type Handler = (program: MemoryAgent, id: unknown, params: Params) => void;

/** What the programs of one agent have got, over all servers. */
export class AgentDisk {
  /** The prompts of each session of its own. */
  readonly sessions = new Map<string, string[]>();
  readonly seen: SeenPrompt[] = [];
  #made = 0;

  /** The id of a new session. */
  nextId(): string {
    return `own-${this.#made++}`;
  }
}

/** The programs of one agent that one server starts. */
export class MemoryAgents {
  readonly disk: AgentDisk;
  readonly sessions: AgentDisk["sessions"];
  readonly seen: AgentDisk["seen"];
  readonly programs: MemoryAgent[] = [];
  /** What handles a method in the place of the agent. */
  readonly handlers: Record<string, Handler> = {};
  readonly abilities: Abilities;
  /** Whether each prompt is answered at once, with `answered`. */
  answersAtOnce = false;

  constructor(abilities: Abilities = {}, disk = new AgentDisk()) {
    this.abilities = abilities;
    this.disk = disk;
    this.sessions = disk.sessions;
    this.seen = disk.seen;
  }

  readonly start: StartAgentProgram = async (options) => {
    const living = this.programs.filter(({ isGone }) => !isGone);
    if (living.length > 0) throw new Error("the program before this one still runs");
    const program = new MemoryAgent(this, options);
    this.programs.push(program);
    return program;
  };

  /** The program that runs. */
  get running(): MemoryAgent | undefined {
    return this.programs.findLast(({ isGone }) => !isGone);
  }

  /** How often a method was called, over all programs. */
  calls(method: string): Params[] {
    return this.programs.flatMap(({ got }) =>
      got.flatMap((frame) => (frame.method === method ? [frame.params as Params] : [])),
    );
  }
}

/** A prompt that is not answered yet. */
export interface OpenPrompt {
  readonly id: unknown;
  readonly sessionId: string;
  isCancelled: boolean;
}

/** One program. Like over a pipe, nothing that is sent has arrived when `send` returns. */
export class MemoryAgent implements AgentProgram {
  readonly got: Frame[] = [];
  /** The prompts that are not answered, by session. */
  readonly prompts = new Map<string, OpenPrompt>();
  isGone = false;
  readonly #agents: MemoryAgents;
  readonly #options: AgentProcessOptions;
  readonly #asked = new Map<unknown, (frame: Frame) => void>();
  #lastAsked = -1;
  #calls = 0;
  /** What its end waits for. */
  ending: Promise<void> = Promise.resolve();
  isEnding = false;

  constructor(agents: MemoryAgents, options: AgentProcessOptions) {
    this.#agents = agents;
    this.#options = options;
  }

  send(message: object): void {
    const line = JSON.stringify(message);
    // What is written to a program whose stdin is closed is lost.
    if (!this.isEnding) queueMicrotask(() => this.#take(JSON.parse(line)));
  }

  async end(): Promise<void> {
    this.isEnding = true;
    await this.ending;
    this.die("it was ended");
  }

  /** It ends. */
  die(reason = "SIGKILL"): void {
    if (this.isGone) return;
    this.isGone = true;
    this.#options.onEnd(`it ended (${reason})`);
  }

  /** Its server has died, and hears nothing of its end. */
  vanish(): void {
    this.isGone = true;
  }

  /** Tells its client something. */
  tell(message: object): void {
    const line = JSON.stringify({ jsonrpc: "2.0", ...message });
    if (!this.isGone) this.#options.onMessage(JSON.parse(line));
  }

  /** Asks its client something. */
  ask(method: string, params: object): Promise<Frame> {
    const id = ++this.#lastAsked;
    const answered = new Promise<Frame>((resolve) => this.#asked.set(id, resolve));
    this.tell({ id, method, params });
    return answered;
  }

  update(sessionId: string, update: object): void {
    this.tell({ method: "session/update", params: { sessionId, update } });
  }

  chunk(sessionId: string, text: string, kind = "agent_message_chunk"): void {
    this.update(sessionId, { sessionUpdate: kind, content: { type: "text", text } });
  }

  /** A tool call that begins and ends. */
  callTool(sessionId: string): void {
    const toolCallId = `call-${++this.#calls}`;
    const call = { toolCallId, title: "Look", kind: "read", status: "in_progress" };
    this.update(sessionId, { sessionUpdate: "tool_call", ...call });
    const done = { toolCallId, status: "completed" };
    this.update(sessionId, { sessionUpdate: "tool_call_update", ...done });
  }

  /** Asks for a permission, and ends the call as that is answered; resolves with what was chosen. */
  async askPermission(sessionId: string): Promise<string> {
    const toolCallId = `ask-${++this.#calls}`;
    const toolCall = { toolCallId, title: "Something", kind: "other", rawInput: { a: 1 } };
    const options = [
      { optionId: "yes", name: "Allow", kind: "allow_once" },
      { optionId: "no", name: "Reject", kind: "reject_once" },
    ];
    const params = { sessionId, toolCall, options };
    const { result, error } = await this.ask("session/request_permission", params);
    if (error !== undefined) return "error";
    const { outcome } = result as { outcome: { outcome: string; optionId?: string } };
    const { optionId = outcome.outcome } = outcome;
    if (optionId === "cancelled") return optionId;
    const status = optionId === "yes" ? "completed" : "failed";
    this.update(sessionId, { sessionUpdate: "tool_call_update", toolCallId, status });
    return optionId;
  }

  /** Answers the prompt of a session. */
  answer(sessionId: string, result: object = { stopReason: "end_turn" }): void {
    this.#end(sessionId, { result });
  }

  /** Answers the prompt of a session with an error. */
  refuse(sessionId: string, message = "no"): void {
    this.#end(sessionId, { error: { code: -32603, message } });
  }

  #end(sessionId: string, body: object): void {
    const open = this.prompts.get(sessionId);
    if (open === undefined) return;
    this.prompts.delete(sessionId);
    this.tell({ id: open.id, ...body });
  }

  /** Does what opening a session does in the end. */
  open(id: unknown, method: string, params: Params): void {
    const { sessions } = this.#agents;
    const sessionId =
      method === "session/new" ? this.#agents.disk.nextId() : String(params.sessionId);
    const said = sessions.get(sessionId);
    if (method === "session/new") sessions.set(sessionId, []);
    else if (said === undefined) {
      this.tell({ id, error: { code: -32002, message: "no such session" } });
      return;
    }
    for (const text of said ?? []) {
      this.chunk(sessionId, text, "user_message_chunk");
      this.chunk(sessionId, "REPLAYED");
    }
    this.tell({ id, result: method === "session/new" ? { sessionId } : {} });
    const availableCommands = [{ name: "compact", description: "Makes room" }];
    this.update(sessionId, { sessionUpdate: "available_commands_update", availableCommands });
  }

  #take(frame: Frame): void {
    if (this.isGone) return;
    this.got.push(frame);
    const { id, method, params } = frame;
    if (method === undefined) {
      this.#asked.get(id)?.(frame);
      this.#asked.delete(id);
      return;
    }
    const handler = this.#agents.handlers[method] ?? this.#methods[method];
    if (handler !== undefined) handler(this, id, params as Params);
    else if (id !== undefined) this.tell({ id, error: { code: -32601, message: "no method" } });
  }

  readonly #methods: Readonly<Record<string, Handler>> = {
    initialize: (_, id) => {
      const { steering = false, noLoad = false } = this.#agents.abilities;
      const agentCapabilities = {
        loadSession: !noLoad,
        _meta: { steering: { supported: steering } },
      };
      this.tell({ id, result: { protocolVersion: 1, agentCapabilities } });
    },
    "session/new": (_, id, params) => this.open(id, "session/new", params),
    "session/load": (_, id, params) => this.open(id, "session/load", params),
    "session/close": (_, id) => this.tell({ id, result: {} }),
    "_session/steering": (_, id, params) => {
      this.#note(params);
      this.tell({ id, result: { outcome: "injected" } });
    },
    "session/prompt": (_, id, params) => {
      const open = { id, sessionId: String(params.sessionId), isCancelled: false };
      this.#note(params);
      this.prompts.set(open.sessionId, open);
      if (!this.#agents.answersAtOnce) return;
      this.chunk(open.sessionId, "answered");
      this.answer(open.sessionId);
    },
    "session/cancel": (_, __, params) => {
      const open = this.prompts.get(String(params.sessionId));
      if (open !== undefined) open.isCancelled = true;
    },
  };

  #note({ sessionId, prompt }: Params): void {
    const texts = (prompt as { text?: string }[]).map(({ text = "" }) => text);
    const told = { sessionId: String(sessionId), text: texts.at(-1) ?? "", all: texts.join("\n") };
    this.#agents.seen.push({ program: this, ...told });
    this.#agents.sessions.get(told.sessionId)?.push(told.text);
  }
}
