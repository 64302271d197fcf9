// A real pgbouncer in front of a Postgres: one connection to it, which each transaction has in turn. It does
// not run as root, so that it then runs as `postgres`.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "./natsServer.js";
import { owner } from "./postgresServer.js";

const program = "/usr/sbin/pgbouncer";

/** Why no test with a real pgbouncer is possible here. */
export const noPgBouncer = existsSync(program)
  ? undefined
  : "pgbouncer is not installed (Debian: pgbouncer)";

export class PgBouncer {
  readonly #folder: string;
  readonly #port: number;
  readonly #child: ChildProcess;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    const stdio = "ignore";
    this.#child = spawn(program, [join(folder, "pgbouncer.ini")], { ...owner(), stdio });
  }

  /** Resolves once it takes connections. */
  static async start(postgresPort: number): Promise<PgBouncer> {
    const folder = mkdtempSync(join(tmpdir(), "turnwire-pgbouncer-"));
    chmodSync(folder, 0o755);
    const port = await freePort();
    const lines = [
      "[databases]",
      `postgres = host=127.0.0.1 port=${postgresPort} user=ada`,
      "[pgbouncer]",
      "listen_addr = 127.0.0.1",
      `listen_port = ${port}`,
      "unix_socket_dir =",
      "auth_type = any",
      "pool_mode = transaction",
      "default_pool_size = 1",
    ];
    writeFileSync(join(folder, "pgbouncer.ini"), `${lines.join("\n")}\n`);
    const pool = new PgBouncer(folder, port);
    while (!(await listens(port))) {
      if (pool.#child.exitCode !== null) throw new Error("pgbouncer has ended");
      await pause(20);
    }
    return pool;
  }

  get url(): string {
    return `postgres://ada@127.0.0.1:${this.#port}/postgres`;
  }

  async remove(): Promise<void> {
    const ended = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
