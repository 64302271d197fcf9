// The logins to tool servers over HTTP (protocol.md section 10, Logins): one file of the user,
// readable by nobody else, in which each login stands under the address of the server that it is
// for. The server's name does not count: a server with another address is another server.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { type Clock, systemClock } from "../base/clock.js";
import { withFileLock } from "../base/fileLock.js";

/** The result of a login. The members of `client` and `tokens` are those of OAuth. */
export interface Login {
  /** Every login has a new one. It stays the same when the tokens are refreshed. */
  readonly id: string;
  /** The authorization server that gave it. It is sent to no other one. */
  readonly issuer: string;
  readonly client: { readonly client_id: string; readonly client_secret?: string | undefined };
  readonly tokens: {
    readonly access_token: string;
    readonly refresh_token?: string | undefined;
    readonly token_type: string;
    readonly scope?: string | undefined;
  };
  /** When it was made, in milliseconds. */
  readonly madeAt: number;
}

/** A lock that is older than this was left by a process that died. */
const staleLockMs = 60_000;
const longestWaitMs = 90_000;
const mostFileCharacters = 1024 * 1024;

/** The file of logins. Without one nothing is stored, and there is no login. */
export class Logins {
  readonly #file: string | undefined;
  readonly #clock: Clock;

  constructor(file: string | undefined, clock: Clock = systemClock) {
    this.#file = file;
    this.#clock = clock;
  }

  /** The login for the server at an address. Undefined if there is none that can be read. */
  read(url: string): Login | undefined {
    return this.#all().get(addressOf(url));
  }

  /** Every login, by the address of its server. */
  list(): ReadonlyMap<string, Login> {
    return this.#all();
  }

  /**
   * Does work that no other process does at the same time. So each login is refreshed only once. Many
   * servers make the old tokens invalid at a refresh.
   *
   * @throws where the file's folder cannot be written.
   */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (this.#file === undefined) throw new Error("there is no home to keep a login in");
    const patience = { clock: this.#clock, staleMs: staleLockMs, longestWaitMs };
    return withFileLock(`${this.#file}.lock`, patience, work);
  }

  /** Stores a login. With undefined it forgets the login. Call it within {@link exclusively}. */
  async write(url: string, login: Login | undefined): Promise<void> {
    if (this.#file === undefined) throw new Error("there is no home to keep a login in");
    const logins = new Map(this.#all());
    if (login === undefined) logins.delete(addressOf(url));
    else logins.set(addressOf(url), login);
    const text = `${JSON.stringify({ logins: Object.fromEntries(logins) }, null, 2)}\n`;
    // A file that nobody reads any more would lose every login at the next change.
    if (text.length > mostFileCharacters) throw new Error(`${this.#file} would be too large`);
    const temporary = `${this.#file}.${randomUUID()}.tmp`;
    try {
      const handle = await open(temporary, "wx", 0o600);
      try {
        await handle.writeFile(text);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.#file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  #all(): ReadonlyMap<string, Login> {
    const found = new Map<string, Login>();
    for (const [address, login] of Object.entries(this.#content())) {
      if (isLogin(login)) found.set(address, login);
    }
    return found;
  }

  #content(): Readonly<Record<string, unknown>> {
    if (this.#file === undefined) return {};
    try {
      const text = readFileSync(this.#file, "utf8");
      if (text.length > mostFileCharacters) return {};
      return objectOf(objectOf(JSON.parse(text)).logins);
    } catch {
      // A file that is missing or cannot be read holds no login; then a login is requested.
      return {};
    }
  }
}

/** The key of a login: the address without the part that only a page would use. */
function addressOf(url: string): string {
  const address = new URL(url);
  address.hash = "";
  return address.href;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function isLogin(value: unknown): value is Login {
  const { id, issuer, client, tokens, madeAt } = objectOf(value);
  const texts = [id, issuer, objectOf(client).client_id, objectOf(tokens).access_token];
  const secrets = [objectOf(client).client_secret, objectOf(tokens).refresh_token];
  return (
    texts.every((text) => typeof text === "string") &&
    secrets.every((text) => text === undefined || typeof text === "string") &&
    typeof madeAt === "number"
  );
}
