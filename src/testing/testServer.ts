/** A server for tests. It uses the offline model and a folder of its own, and leaves nothing behind. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, isAbsolute, join, relative } from "node:path";
import { defined } from "../base/defined.js";
import { type RunComplete, type SpawnOptions, TurnwireClient } from "../client/index.js";
import type { ParamsInput } from "../protocol/registry.js";

/** How a test's server is set up. */
export interface TestServerOptions {
  /** The files of the workspace: contents by relative path. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** The user's configuration. By default the offline model is used. */
  readonly config?: object;
  /** `allow` by default. A test about permissions sets another one. */
  readonly permissionMode?: ParamsInput<"createWorkspace">["permissionMode"];
  /** Whether the workspace is trusted; false by default. */
  readonly trusted?: boolean;
  /** More options for the client, for example `onPermission`, or a {@link ManualClock} as `clock`. */
  readonly client?: Omit<SpawnOptions, "dataDir">;
}

/** A server, and a client with an open workspace. `await using` closes both. */
export interface TestServer extends AsyncDisposable {
  /** The client. After `restart` it is another one. */
  readonly client: TurnwireClient;
  readonly workspaceId: string;
  /** The real path of the workspace's folder. */
  readonly workspacePath: string;
  readonly dataDir: string;
  /** Makes a session and resolves with its id. */
  session(title?: string): Promise<string>;
  /**
   * Runs a prompt and resolves with its completion. Without a session it makes a new one. `options` are
   * the options of the run.
   */
  run(
    prompt: string,
    sessionId?: string,
    options?: ParamsInput<"sendMessage">["options"],
  ): Promise<RunComplete>;
  /**
   * Kills the server and starts the next one on the same data, with the same `clientId`. Completions
   * that no `onComplete` and no `run` has handled come again.
   */
  restart(): Promise<void>;
  /** Ends the server and removes its folders. Closing twice is harmless. */
  close(): Promise<void>;
}

/**
 * Starts a server for a test. It does not use the configuration and the keys of the person who runs
 * the test.
 *
 * @throws TypeError for a path of `files` that is absolute or leads out of the workspace. Also
 *   throws the errors of `TurnwireClient.spawn`.
 */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "turnwire-test-")));
  const server = new OwnServer(root, options);
  try {
    server.writeFiles();
    await server.start();
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}

class OwnServer implements TestServer {
  readonly workspacePath: string;
  readonly dataDir: string;
  readonly #root: string;
  readonly #options: TestServerOptions;
  #client: TurnwireClient | undefined;
  #workspaceId: string | undefined;

  constructor(root: string, options: TestServerOptions) {
    this.#root = root;
    this.#options = options;
    this.workspacePath = join(root, "workspace");
    this.dataDir = join(root, "data");
  }

  get client(): TurnwireClient {
    if (this.#client === undefined) throw new Error("the test's server is closed");
    return this.#client;
  }

  get workspaceId(): string {
    if (this.#workspaceId === undefined) throw new Error("the test's server is closed");
    return this.#workspaceId;
  }

  writeFiles(): void {
    mkdirSync(this.workspacePath);
    for (const [path, content] of Object.entries(this.#options.files ?? {})) {
      const file = join(this.workspacePath, path);
      if (isAbsolute(path) || relative(this.workspacePath, file).startsWith("..")) {
        throw new TypeError(`\`files\` names ${path}, which is outside the workspace`);
      }
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
    const model = { provider: "offline", model: "offline" };
    const config = { models: { large: model }, ...this.#options.config };
    writeFileSync(this.#configFile, JSON.stringify(config));
  }

  async start(): Promise<void> {
    const { client = {}, permissionMode = "allow", trusted = false } = this.#options;
    this.#client = await TurnwireClient.spawn({
      clientId: "test",
      ...client,
      dataDir: this.dataDir,
      env: { TURNWIRE_CONFIG: this.#configFile, HOME: this.#root, ...client.env },
    });
    const { id } = await this.#client.api.createWorkspace({
      path: this.workspacePath,
      initAgent: true,
      permissionMode,
      trusted,
    });
    this.#workspaceId = id;
  }

  async session(title?: string): Promise<string> {
    const { workspaceId } = this;
    return (await this.client.api.createSession({ workspaceId, ...defined({ title }) })).id;
  }

  async run(
    prompt: string,
    sessionId?: string,
    options?: ParamsInput<"sendMessage">["options"],
  ): Promise<RunComplete> {
    const session = sessionId ?? (await this.session());
    const { workspaceId } = this;
    const params = { workspaceId, sessionId: session, prompt, ...defined({ options }) };
    return this.client.run(params);
  }

  async restart(): Promise<void> {
    await this.client.kill();
    await this.start();
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.close();
    rmSync(this.#root, { recursive: true, force: true, maxRetries: 5 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #configFile(): string {
    return join(this.#root, "config.json");
  }
}
