// The tool servers of one workspace (protocol.md section 10, `mcpServers`). They start in the
// background and block nothing: a turn waits at most a few seconds for a starting server, and then
// goes on without it.
import { sleepAwake } from "../base/awakeTime.js";
import { defined } from "../base/defined.js";
import type { Log } from "../base/log.js";
import type { McpServer } from "../config/types.js";
import type { Confinement } from "../process/sandbox/sandbox.js";
import type { Command } from "../protocol/objects/command.js";
import type { SessionServers } from "../protocol/objects/sessionServer.js";
import type { Tool } from "../tools/tool.js";
import { Logins } from "./logins.js";
import { commandsOf, expandCommand, type PromptCommand, readCommand } from "./promptCommands.js";
import { resourcesTool } from "./resources.js";
import type { Connect, ServerConnection, ServerSurroundings } from "./serverConnection.js";
import { ServerSupervisor } from "./serverSupervisor.js";

/** How long, after a server's start began, turns wait for it, in milliseconds. */
const turnWaitMs = 5_000;

/** What tool servers need. */
export interface ToolServersOptions
  extends Omit<ServerSurroundings, "env" | "confinement" | "logins" | "loginName"> {
  /** The file of the logins to servers over HTTP; undefined where there is no home. */
  readonly loginsFile?: string | undefined;
  /** How many other tools a turn has; 0 by default. */
  readonly ownTools?: number;
  /** Connects to a server. The default is loaded when it is first needed. */
  readonly connect?: Connect;
}

/** With more tools than this in all, providers refuse every call of a turn. */
const mostOfferedTools = 128;

interface Kept {
  readonly id: string;
  /** The session that it belongs to; undefined for those of the configuration. */
  readonly sessionId: string | undefined;
  /** Its options when it was started. */
  readonly key: string;
  readonly supervisor: ServerSupervisor;
}

/** The owner of a workspace's tool servers. */
export class ToolServers {
  readonly #options: ToolServersOptions;
  readonly #connect: Connect;
  readonly #logins: Logins;
  /** By session and id. */
  readonly #kept = new Map<string, Kept>();
  /** The sessions' own servers. */
  readonly #bySession = new Map<string, SessionServers>();
  readonly #stopping = new Set<Promise<void>>();
  #isDisposed = false;
  /** The last report of tools that are left out; it is repeated only when it changes. */
  #toldSurplus = "";
  #surplus: readonly string[] = [];

  constructor(options: ToolServersOptions) {
    this.#options = options;
    this.#connect = options.connect ?? connectLazily;
    this.#logins = new Logins(options.loginsFile, options.clock);
  }

  /**
   * Brings the running servers in line with the configuration: starts new ones, stops removed ones,
   * and restarts changed ones. Returns at once.
   *
   * @param env the tools' environment.
   * @param confinement how programs are confined.
   */
  reconcile(
    servers: Readonly<Record<string, McpServer>>,
    env: Readonly<Record<string, string>>,
    confinement?: Confinement,
  ): void {
    if (this.#isDisposed) return;
    const own = [...this.#bySession].flatMap(([sessionId, given]) =>
      given.map((one) => ({ sessionId, id: one.name, server: serverOf(one) })),
    );
    const configured = Object.entries(servers).map(([id, server]) => {
      return { sessionId: undefined, id, server };
    });
    const wanted = new Map(
      [...configured, ...own].map((one) => {
        const local = [one.server, env, confinement?.mode, confinement?.network];
        // With a new login it is another one, and need not wait until it is tried again.
        const remote = (url: string) => [one.server, this.#logins.read(url)?.id];
        const key = JSON.stringify("url" in one.server ? remote(one.server.url) : local);
        return [placeOf(one), { ...one, key }] as const;
      }),
    );
    for (const [place, { key, supervisor }] of this.#kept) {
      if (wanted.get(place)?.key === key) continue;
      this.#kept.delete(place);
      this.#stop(supervisor);
    }
    const { connect: _, ownTools: __, loginsFile: ___, ...rest } = this.#options;
    for (const [place, { id, sessionId, key, server }] of wanted) {
      if (this.#kept.has(place)) continue;
      const login = { logins: this.#logins, loginName: loginNameOf(server, id, sessionId) };
      const surroundings = { ...rest, ...login, env, ...defined({ confinement }) };
      const supervisor = new ServerSupervisor({ id, server, surroundings, connect: this.#connect });
      this.#kept.set(place, { id, sessionId, key, supervisor });
    }
  }

  /**
   * Replaces the own servers of a session. New ones are started by the next {@link reconcile}.
   * Removed ones have ended when this resolves.
   */
  async setSession(sessionId: string, servers: SessionServers): Promise<void> {
    if (servers.length === 0) this.#bySession.delete(sessionId);
    else this.#bySession.set(sessionId, servers);
    const gone = [...this.#kept].filter(
      ([, kept]) => kept.sessionId === sessionId && !servers.some(({ name }) => name === kept.id),
    );
    for (const [place] of gone) this.#kept.delete(place);
    await Promise.all(gone.map(([, { supervisor }]) => this.#stop(supervisor)));
  }

  /** The servers of a session: its own, and those of the configuration with other names. */
  #serversOf(sessionId: string | undefined): Kept[] {
    const all = [...this.#kept.values()];
    const own = all.filter((kept) => sessionId !== undefined && kept.sessionId === sessionId);
    const names = new Set(own.map(({ id }) => id));
    return [...own, ...all.filter((kept) => kept.sessionId === undefined && !names.has(kept.id))];
  }

  /**
   * The tools of the ready servers, once no server is starting for which a turn would wait. Rejects
   * only with the signal's reason.
   *
   * If there are more tools than providers take, each server gets an equal share. What one server
   * does not need goes to the others. The rest is left out, with a warning in the log.
   *
   * @param sessionId the session. Its own servers come before those of the configuration with the
   * same names.
   * @param log the log of the turn that begins, if one does.
   */
  async tools(
    signal: AbortSignal,
    sessionId?: string,
    log = this.#options.log,
  ): Promise<readonly Tool[]> {
    const servers = this.#serversOf(sessionId);
    await this.#untilStarted(servers, signal);
    const withResources = new Map<string, ServerConnection>();
    const taken = new Set<string>();
    const offers = servers.map(({ id, supervisor }) => {
      if (supervisor.connection === undefined) {
        log.info({ server: id }, "a tool server is not ready; a turn begins without it");
      }
      if (supervisor.connection?.hasResources) withResources.set(id, supervisor.connection);
      // If two tools would have one name, the first one keeps it.
      const tools = supervisor.tools.filter(({ name }) => !taken.has(name) && taken.add(name));
      return { id, tools };
    });
    const resources = withResources.size === 0 ? [] : [resourcesTool(withResources)];
    const shares = sharesOf(
      offers.map(({ tools }) => tools.length),
      mostOfferedTools - (this.#options.ownTools ?? 0) - resources.length,
    );
    this.#tellSurplus(offers, shares, log);
    const fitting = offers.flatMap(({ tools }, index) => tools.slice(0, shares[index]));
    return [...fitting, ...resources];
  }

  #tellSurplus(
    offers: readonly { readonly id: string; readonly tools: readonly Tool[] }[],
    shares: readonly number[],
    log: Log,
  ): void {
    const surplus = offers
      .map(({ id, tools }, index) => ({ id, leftOut: tools.slice(shares[index]) }))
      .filter(({ leftOut }) => leftOut.length > 0)
      .map(({ id, leftOut }) => ({ server: id, tools: leftOut.map(({ name }) => name) }));
    const told = JSON.stringify(surplus);
    if (surplus.length > 0 && told !== this.#toldSurplus) {
      for (const one of surplus) {
        log.warn(one, "tools are left out: a provider takes no more");
      }
    }
    this.#toldSurplus = told;
    this.#surplus = surplus.map(
      ({ server, tools }) =>
        `${tools.length} tools of the tool server "${server}" are left out: a provider takes no more.`,
    );
  }

  /** Messages about the servers for a person, from the last call of {@link tools}. */
  warningsFor(sessionId?: string): readonly string[] {
    const own = this.#serversOf(sessionId).flatMap(({ supervisor }) => supervisor.warnings);
    return [...own, ...this.#surplus];
  }

  /**
   * The prompts of the ready servers, as commands. It waits like {@link ToolServers.tools}. Rejects
   * only with the signal's reason.
   */
  async commands(signal: AbortSignal, sessionId?: string): Promise<readonly Command[]> {
    await this.#untilStarted(this.#serversOf(sessionId), signal);
    return [...this.#commands(sessionId).values()].map(({ command }) => command);
  }

  /**
   * The expansion of a prompt's text, if it begins with a command of a ready server. Rejects only
   * with the signal's reason.
   */
  async expand(text: string, signal: AbortSignal, sessionId?: string): Promise<string | undefined> {
    const typed = readCommand(text);
    const known = typed === undefined ? undefined : this.#commands(sessionId).get(typed.name);
    return known && expandCommand(typed?.rest ?? "", known, signal);
  }

  #commands(sessionId: string | undefined): ReadonlyMap<string, PromptCommand> {
    const byName = new Map<string, PromptCommand>();
    for (const { id, supervisor } of this.#serversOf(sessionId)) {
      const { connection } = supervisor;
      for (const one of connection === undefined ? [] : commandsOf(id, connection)) {
        if (!byName.has(one.command.name)) byName.set(one.command.name, one);
      }
    }
    return byName;
  }

  async #untilStarted(servers: readonly Kept[], signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const waitedFor = servers.flatMap(({ supervisor: { starting } }) => {
      if (starting === undefined) return [];
      const restMs = starting.since + turnWaitMs - clock.now();
      return restMs > 0 ? [{ restMs, settled: starting.settled }] : [];
    });
    if (waitedFor.length === 0) return;
    const settled = Promise.all(waitedFor.map((one) => one.settled));
    const enough = new AbortController();
    const patience = sleepAwake(
      clock,
      Math.max(...waitedFor.map(({ restMs }) => restMs)),
      AbortSignal.any([enough.signal, signal]),
    );
    // The wait ends by its time, by the turn's cancel, or because it is no longer needed.
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

  #stop(supervisor: ServerSupervisor): Promise<void> {
    const stopping = supervisor.stop().finally(() => this.#stopping.delete(stopping));
    this.#stopping.add(stopping);
    return stopping;
  }
}

function placeOf({ sessionId, id }: Pick<Kept, "sessionId" | "id">): string {
  return JSON.stringify([sessionId, id]);
}

/** The name of a login, but where an `Authorization` header takes its place. */
/** What `turnwire mcp login` is told for a server; undefined where no login is used for it. */
export function loginNameOf(server: McpServer, id: string, sessionId: string | undefined) {
  if (!("url" in server)) return undefined;
  const names = Object.keys(server.headers).map((name) => name.toLowerCase());
  if (names.includes("authorization")) return undefined;
  // Those of sessions have names that the user's configuration does not know.
  return sessionId === undefined ? id : server.url;
}

/** A session's server, in the form of the configuration. */
function serverOf({ command = "", args, env, url, headers }: SessionServers[number]): McpServer {
  return url === undefined
    ? { command, args: args ?? [], env: env ?? {} }
    : { url, headers: headers ?? {} };
}

/** Divides `most` among servers that want so many each: equal shares, and nothing left unused. */
function sharesOf(wanted: readonly number[], most: number): number[] {
  const shares = wanted.map(() => 0);
  const inOrder = [...wanted.entries()].sort(([, a], [, b]) => a - b);
  let rest = most;
  for (const [place, [index, count]] of inOrder.entries()) {
    const share = Math.min(count, Math.floor(rest / (inOrder.length - place)));
    shares[index] = share;
    rest -= share;
  }
  return shares;
}

const connectLazily: Connect = async (...args) => (await import("./connect.js")).connect(...args);
