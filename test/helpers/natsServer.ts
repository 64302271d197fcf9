// A real `nats-server` with JetStream, on a port of its own; its data can outlive it.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";

/** Why no test with a real server is possible here. */
export const noNats =
  spawnSync("nats-server", ["--version"]).status === 0
    ? undefined
    : "nats-server is not installed (Debian: nats-server)";

/** A message as it is in a stream. */
export interface StoredMessage {
  readonly subject: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into what came, whatever that is.
  readonly event: any;
}

export class NatsServer {
  readonly #folder: string;
  readonly port: number;
  readonly #config: string;
  #child: ChildProcess | undefined;

  private constructor(folder: string, port: number, config: string) {
    this.#folder = folder;
    this.port = port;
    this.#config = config;
  }

  /** `config` is added to the server's configuration file. */
  static async start(config = ""): Promise<NatsServer> {
    const folder = mkdtempSync(join(tmpdir(), "turnwire-nats-"));
    const server = new NatsServer(folder, await freePort(), config);
    await server.begin();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Starts it, also again: its streams are as they were. */
  async begin(config = this.#config): Promise<void> {
    const file = join(this.#folder, "nats.conf");
    writeFileSync(
      file,
      `listen: 127.0.0.1:${this.port}\njetstream { store_dir: "${join(this.#folder, "js")}" }\n${config}\n`,
    );
    const child = spawn("nats-server", ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      let told = "";
      child.stderr.on("data", (chunk: Buffer) => {
        told += chunk.toString();
        if (told.includes("Server is ready")) resolve();
      });
      child.once("exit", () => reject(new Error(`nats-server has ended: ${told}`)));
    });
  }

  /** Stops it at once. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  /** Neither takes nor answers anything, until it goes on. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  goOn(): void {
    this.#child?.kill("SIGCONT");
  }

  connect(more: Parameters<typeof connect>[0] = {}): Promise<NatsConnection> {
    return connect({ servers: this.url, ...more });
  }

  async manage<T>(
    work: (manager: JetStreamManager, connection: NatsConnection) => Promise<T>,
    more: Parameters<typeof connect>[0] = {},
  ): Promise<T> {
    const connection = await this.connect(more);
    try {
      return await work(await jetstreamManager(connection), connection);
    } finally {
      await connection.close();
    }
  }

  /** Everything that a stream has, in its order. */
  messages(stream: string, more: Parameters<typeof connect>[0] = {}): Promise<StoredMessage[]> {
    return this.manage(async (manager) => {
      const { state } = await manager.streams.info(stream);
      const found: StoredMessage[] = [];
      for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++) {
        const message = await manager.streams.getMessage(stream, { seq });
        if (message === null) continue;
        const { subject, header } = message;
        found.push({ subject, id: header.get("Nats-Msg-Id"), event: message.json() });
      }
      return found;
    }, more);
  }

  async remove(): Promise<void> {
    this.goOn();
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
