// What the checks share: servers, workspaces, sessions and runs.
import { randomUUID } from "node:crypto";
import { mkdirSync, realpathSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CheckFailure, CheckSkipped } from "./checkFailure.js";
import type { Framing } from "./frames.js";
import { listOf, type Members, membersOf, textOf } from "./message.js";
import { Peer } from "./peer.js";
import type { ScriptedProvider } from "./scriptedProvider.js";
import type { Launch, Model } from "./serverPipes.js";
import type { Report, Saw } from "./watch.js";

/** A workspace with an agent that is ready. */
export class Workspace {
  readonly peer: Peer;
  readonly id: string;
  readonly path: string;

  constructor(peer: Peer, { id, path }: { id: string; path: string }) {
    this.peer = peer;
    this.id = id;
    this.path = path;
  }

  async session(): Promise<string> {
    const session = await this.peer.result("createSession", { workspaceId: this.id });
    return textOf(session, "id");
  }

  /** Sends a prompt with a fresh `runId`, which it gives; the run is accepted then. */
  async send(sessionId: string, prompt: string, more: object = {}): Promise<string> {
    const runId = `run-${randomUUID()}`;
    const params = { workspaceId: this.id, sessionId, prompt, runId, ...more };
    await this.peer.result("sendMessage", params);
    return runId;
  }

  /** Sends a prompt and waits for its completion. */
  async run(sessionId: string, prompt: string, more: object = {}): Promise<Members> {
    return this.peer.completion(await this.send(sessionId, prompt, more));
  }

  /** Resolves when the run's turn has begun to speak. */
  async begun(runId: string): Promise<void> {
    await this.peer.notice("messageCreated", (params) => params.runId === runId, "a message");
  }
}

/** How a server of a check's own is started. */
export interface StartOptions {
  readonly dataDir?: string;
  readonly command?: "first" | "restart" | "second";
  /** Params of `initialize`; `null` sends none. */
  readonly initialize?: object | null;
  readonly framing?: Framing;
  /** Who answers the prompts; that of all other servers unless told. */
  readonly model?: Model;
}

/** What a server says of itself in its handshake. */
export interface Claims {
  readonly levels: readonly string[];
  /** The methods that it has; undefined where it does not say. */
  readonly methods: readonly string[] | undefined;
  readonly hasOfflineModel: boolean;
}

export class Kit {
  readonly framing: Framing;
  readonly hasSecondCommand: boolean;
  /** The connection that was used last: its transcript is shown where a check fails. */
  used: Peer | undefined;
  readonly provider: ScriptedProvider;
  readonly #model: Model;
  readonly #launch: Launch;
  readonly #report: Report;
  readonly #saw: Saw;
  readonly #folder: string;
  readonly #patienceMs: number;
  readonly #peers = new Set<Peer>();
  readonly #dataDirs = new Set<string>();
  #shared: Promise<Workspace> | undefined;
  #wire: Promise<Peer> | undefined;
  #folders = 0;

  private constructor(folder: string, options: KitOptions) {
    const { framing, launch, model, provider, report, saw, hasSecondCommand, patienceMs } = options;
    this.#model = model;
    this.provider = provider;
    this.#patienceMs = patienceMs;
    this.#folder = folder;
    this.framing = framing;
    this.#launch = launch;
    this.#report = report;
    this.#saw = saw;
    this.hasSecondCommand = hasSecondCommand;
  }

  static async create(options: KitOptions): Promise<Kit> {
    const folder = await mkdtemp(join(realpathSync(tmpdir()), "turnwire-conformance-"));
    return new Kit(folder, options);
  }

  /** A new empty folder. */
  newFolder(): string {
    const path = join(this.#folder, String(this.#folders++));
    mkdirSync(path);
    return path;
  }

  /** The connection that checks of the lane `main` share; a new one where its server has ended. */
  async shared(): Promise<Workspace> {
    this.#shared ??= this.start().then((peer) => this.workspace(peer));
    const shared = await this.#shared;
    this.used = shared.peer;
    void shared.peer.pipes.ended.then(() => {
      this.#shared = undefined;
    });
    return shared;
  }

  /** The connection for what is no proper request. */
  async wire(): Promise<Peer> {
    this.#wire ??= this.start();
    const wire = await this.#wire;
    this.used = wire;
    void wire.pipes.ended.then(() => {
      this.#wire = undefined;
    });
    return wire;
  }

  /** Starts a server, and sends `initialize` unless told otherwise. */
  async start(options: StartOptions = {}): Promise<Peer> {
    const { dataDir, command, initialize, framing, model } = options;
    const place = dataDir ?? this.newFolder();
    this.#dataDirs.add(place);
    const pipes = this.#launch({
      dataDir: place,
      command: command ?? "first",
      model: model ?? this.#model,
    });
    const peer = new Peer(pipes, {
      framing: framing ?? this.framing,
      patienceMs: this.#patienceMs,
      report: this.#report,
      saw: this.#saw,
    });
    this.#peers.add(peer);
    this.used = peer;
    if (initialize !== null) {
      const params = { protocolVersion: 1, clientId: peer.clientId, ...initialize };
      await peer.result("initialize", params);
    }
    return peer;
  }

  /** Opens a workspace with a ready agent. */
  async workspace(peer: Peer, path = this.newFolder(), more: object = {}): Promise<Workspace> {
    const params = { path, initAgent: true, ...more };
    const { id } = await peer.result("createWorkspace", params);
    return new Workspace(peer, { id: String(id), path });
  }

  /** What the server claims in its handshake; no level where it claims nothing. */
  async claims(): Promise<Claims> {
    const peer = await this.start({ initialize: null });
    const { result } = await peer.request("initialize", { protocolVersion: 1 });
    const capabilities = membersOf(result, "capabilities");
    await peer.close();
    return {
      levels: listOf(capabilities, "levels").map(String),
      methods: Array.isArray(capabilities.methods) ? capabilities.methods.map(String) : undefined,
      hasOfflineModel: capabilities.offlineModel !== false,
    };
  }

  /** Waits: for what must not come. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  skip(why: string): never {
    throw new CheckSkipped(why);
  }

  /** Ends every server that is left, also those that outlive their clients, and removes their folders. */
  async close({ areDaemons }: { areDaemons: boolean }): Promise<void> {
    await Promise.all([...this.#peers].map((peer) => peer.close()));
    if (areDaemons) await Promise.all([...this.#dataDirs].map((dataDir) => this.#stop(dataDir)));
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #stop(dataDir: string): Promise<void> {
    const peer = await this.start({ dataDir, initialize: null });
    // One that does not stop ends by itself when it has been idle; its checks have told the rest.
    await peer.request("stopDaemon").catch(ignoreFailure);
    await peer.close();
  }
}

export interface KitOptions {
  readonly framing: Framing;
  readonly launch: Launch;
  readonly model: Model;
  readonly provider: ScriptedProvider;
  /** How long a server may take for anything. */
  readonly patienceMs: number;
  readonly report: Report;
  readonly saw: Saw;
  readonly hasSecondCommand: boolean;
}

function ignoreFailure(error: unknown): void {
  if (!(error instanceof CheckFailure)) throw error;
}
