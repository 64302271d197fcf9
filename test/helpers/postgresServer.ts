// A real Postgres, on a port of its own. It does not run as root, so that it then runs as `postgres`.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { freePort } from "./natsServer.js";

const home = "/usr/lib/postgresql";
const [version] = existsSync(home) ? readdirSync(home).toSorted().reverse() : [];
const isRoot = process.getuid?.() === 0;

/** Why no test with a real server is possible here. */
export const noPostgres =
  version !== undefined && existsSync(join(home, version, "bin", "initdb"))
    ? undefined
    : "Postgres is not installed (Debian: postgresql)";

/** Who it runs as. */
export function owner(): { uid: number; gid: number } | undefined {
  if (!isRoot) return undefined;
  const id = (flag: string) =>
    Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout.trim());
  return { uid: id("-u"), gid: id("-g") };
}

export class PostgresServer {
  readonly #folder: string;
  readonly port: number;
  #child: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  static async start(): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), "turnwire-postgres-"));
    const as = owner();
    if (as !== undefined) chownSync(folder, as.uid, as.gid);
    const program = join(home, version ?? "", "bin", "initdb");
    const args = [
      "-D",
      join(folder, "data"),
      "-U",
      "ada",
      "--auth=trust",
      "--no-sync",
      "-E",
      "UTF8",
    ];
    const made = spawnSync(program, args, { ...as, encoding: "utf8", cwd: folder });
    if (made.status !== 0) throw new Error(`initdb has failed: ${made.stderr}`);
    const server = new PostgresServer(folder, await freePort());
    await server.begin();
    return server;
  }

  get url(): string {
    return `postgres://ada@127.0.0.1:${this.port}/postgres`;
  }

  async begin(): Promise<void> {
    const program = join(home, version ?? "", "bin", "postgres");
    const args = ["-D", join(this.#folder, "data"), "-p", String(this.port), "-k", this.#folder];
    const settings = ["listen_addresses=127.0.0.1", "fsync=off"].flatMap((one) => ["-c", one]);
    const stdio: ["ignore", "ignore", "pipe"] = ["ignore", "ignore", "pipe"];
    const child = spawn(program, [...args, ...settings], { ...owner(), stdio, cwd: this.#folder });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      let told = "";
      child.stderr?.on("data", (chunk: Buffer) => {
        told += chunk.toString();
        if (told.includes("ready to accept connections")) resolve();
      });
      child.once("exit", () => reject(new Error(`postgres has ended: ${told}`)));
    });
  }

  /** Stops it at once. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    child.kill("SIGQUIT");
    await once(child, "exit");
  }

  async client(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url });
    // The server may be stopped first.
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  // biome-ignore lint/suspicious/noExplicitAny: a test looks into what came, whatever that is.
  async query(sql: string): Promise<any[]> {
    const client = await this.client();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
