// The tool servers of one workspace (protocol.md section 10, `mcpServers`). They start in the background
// and hold nothing up: a turn waits a few seconds at most for one that is starting, and goes without
// one that is not ready.
import { sleep } from "../base/clock.js";
import { defined } from "../base/defined.js";
import type { McpServer } from "../config/types.js";
import type { Confinement } from "../process/sandbox/sandbox.js";
import type { Tool } from "../tools/tool.js";
import type { Connect, ServerSurroundings } from "./serverConnection.js";
import { ServerSupervisor } from "./serverSupervisor.js";

/** How long, after a server's start began, turns wait for it, in milliseconds. */
const turnWaitMs = 5_000;

/** What tool servers are built from. */
export interface ToolServersOptions extends Omit<ServerSurroundings, "env" | "confinement"> {
  /** Connects to a server; the real thing, loaded when it is first needed, unless told. */
  readonly connect?: Connect;
}

interface Kept {
  /** What it was started with. */
  readonly key: string;
  readonly supervisor: ServerSupervisor;
}

/** The owner of a workspace's tool servers. */
export class ToolServers {
  readonly #options: ToolServersOptions;
  readonly #connect: Connect;
  readonly #kept = new Map<string, Kept>();
  readonly #stopping = new Set<Promise<void>>();
  #isDisposed = false;

  constructor(options: ToolServersOptions) {
    this.#options = options;
    this.#connect = options.connect ?? connectLazily;
  }

  /**
   * Brings what runs in line with the configuration: starts what is new, stops what is gone, starts
   * anew what has changed. Returns at once.
   *
   * @param env the tools' environment.
   * @param confinement what programs are confined to.
   */
  reconcile(
    servers: Readonly<Record<string, McpServer>>,
    env: Readonly<Record<string, string>>,
    confinement?: Confinement,
  ): void {
    if (this.#isDisposed) return;
    const wanted = new Map(
      Object.entries(servers).map(([id, server]) => {
        const local = [server, env, confinement?.mode, confinement?.network];
        const key = JSON.stringify("url" in server ? [server] : local);
        return [id, { key, server }] as const;
      }),
    );
    for (const [id, { key, supervisor }] of this.#kept) {
      if (wanted.get(id)?.key === key) continue;
      this.#kept.delete(id);
      this.#stop(supervisor);
    }
    const { connect: _, ...rest } = this.#options;
    for (const [id, { key, server }] of wanted) {
      if (this.#kept.has(id)) continue;
      const surroundings = { ...rest, env, ...defined({ confinement }) };
      const supervisor = new ServerSupervisor({ id, server, surroundings, connect: this.#connect });
      this.#kept.set(id, { key, supervisor });
    }
  }

  /**
   * The tools of the servers that are ready, once none is starting that a turn would wait for. Rejects
   * only with the signal's reason.
   */
  async tools(signal: AbortSignal): Promise<readonly Tool[]> {
    await this.#untilStarted(signal);
    const byName = new Map<string, Tool>();
    for (const [id, { supervisor }] of this.#kept) {
      if (!supervisor.isReady) {
        this.#options.log.info(
          { server: id },
          "a tool server is not ready; a turn begins without it",
        );
      }
      // Two that would have one name: the first keeps it.
      for (const tool of supervisor.tools) {
        if (!byName.has(tool.name)) byName.set(tool.name, tool);
      }
    }
    return [...byName.values()];
  }

  async #untilStarted(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const waitedFor = [...this.#kept.values()].flatMap(({ supervisor: { starting } }) => {
      if (starting === undefined) return [];
      const restMs = starting.since + turnWaitMs - clock.now();
      return restMs > 0 ? [{ restMs, settled: starting.settled }] : [];
    });
    if (waitedFor.length === 0) return;
    const settled = Promise.all(waitedFor.map((one) => one.settled));
    const enough = new AbortController();
    const patience = sleep(
      clock,
      Math.max(...waitedFor.map(({ restMs }) => restMs)),
      AbortSignal.any([enough.signal, signal]),
    );
    // It ends by its time, by the turn's cancel, or because it is no longer needed.
    await Promise.race([settled, patience.catch(() => {})]);
    enough.abort();
    signal.throwIfAborted();
  }

  /** Ends every server; resolves when nothing of them is left. None is started afterwards. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    for (const { supervisor } of this.#kept.values()) this.#stop(supervisor);
    this.#kept.clear();
    await Promise.all(this.#stopping);
  }

  #stop(supervisor: ServerSupervisor): void {
    const stopping = supervisor.stop().finally(() => this.#stopping.delete(stopping));
    this.#stopping.add(stopping);
  }
}

const connectLazily: Connect = async (...args) =>
  (await import("./connection.js")).connect(...args);
