// Where the daemon of a data directory is found (protocol.md section 2, The daemon): its socket, and the
// note that it leaves beside the database.
import { createHash, randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { folderOf, temporaryFolder } from "../base/baseFolders.js";
import { systemErrorCode } from "../base/systemError.js";
import { writeFileWhole } from "./writeFileWhole.js";

/** The longest path that every system takes for a socket, in bytes. */
const longestPath = 100;
const socketName = "daemon.sock";
const noteName = "daemon.json";

/** What decides where a daemon is. */
export interface DaemonPlaceOptions {
  readonly dataDirectory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** The user's number; undefined on Windows. */
  readonly userId: number | undefined;
}

/** What a daemon notes about itself. */
export interface DaemonNote {
  /** Its socket, or on Windows its pipe. */
  readonly address: string;
  readonly pid: number;
  readonly version: string;
  /** `leaving`: it has made room for the next one, which is about to come. */
  readonly state: "serving" | "leaving";
  /** When it was written, in milliseconds since 1970. */
  readonly at: number;
}

/** The place of one data directory's daemon. */
export class DaemonPlace {
  readonly #options: DaemonPlaceOptions;
  readonly #dataDirectory: string;

  /** The data directory must exist. */
  constructor(options: DaemonPlaceOptions) {
    this.#options = options;
    this.#dataDirectory = realpathSync(options.dataDirectory);
  }

  /** The data directory by its real path. */
  get dataDirectory(): string {
    return this.#dataDirectory;
  }

  /**
   * The address to listen on; makes the folder that it needs.
   *
   * @throws Error where no path is short enough, or the folder is not the user's own.
   */
  newAddress(): string {
    const { platform, userId } = this.#options;
    if (platform === "win32") return `\\\\.\\pipe\\turnwire-${randomBytes(16).toString("hex")}`;
    const address = this.#socketPath();
    const folder = this.#runtimeFolder();
    if (address.startsWith(folder)) makePrivate(folder, userId);
    return address;
  }

  /** The address to connect to; undefined where none is known. */
  get address(): string | undefined {
    const noted = this.note?.address;
    if (this.#options.platform === "win32") return noted;
    const own = this.#socketPath();
    if (noted === undefined || own === this.#usualPath) return own;
    // A daemon that another environment started can have another folder for sockets. The note in a copy of
    // a data directory has the name of the original's.
    return basename(noted) === basename(own) ? noted : own;
  }

  /** What the last daemon has noted; undefined where there is nothing that can be read. */
  get note(): DaemonNote | undefined {
    try {
      const note: unknown = JSON.parse(readFileSync(join(this.#dataDirectory, noteName), "utf8"));
      const isNote = typeof note === "object" && note !== null && "address" in note;
      return isNote ? (note as DaemonNote) : undefined;
    } catch {
      // There is none, or it is being written by somebody else's program.
      return undefined;
    }
  }

  /** Writes the note. */
  async write(note: DaemonNote): Promise<void> {
    await writeFileWhole(join(this.#dataDirectory, noteName), `${JSON.stringify(note)}\n`);
  }

  /** Removes the note. */
  forget(): void {
    rmSync(join(this.#dataDirectory, noteName), { force: true });
  }

  get #usualPath(): string {
    return join(this.#dataDirectory, socketName);
  }

  /** In the data directory, or where that is too long, in a folder of the user's for sockets. */
  #socketPath(): string {
    if (Buffer.byteLength(this.#usualPath) <= longestPath) return this.#usualPath;
    const name = createHash("sha256").update(this.#dataDirectory).digest("hex").slice(0, 16);
    const short = join(this.#runtimeFolder(), `${name}.sock`);
    if (Buffer.byteLength(short) <= longestPath) return short;
    throw new Error(
      `the path of the data directory, and that of ${short}, are too long for a socket`,
    );
  }

  #runtimeFolder(): string {
    const { env, platform, userId } = this.#options;
    const runtime = folderOf(env, "XDG_RUNTIME_DIR", platform);
    // It is another user's after `sudo`, and missing in many containers.
    if (runtime !== undefined && isOwnFolder(runtime, userId)) return join(runtime, "turnwire");
    return join(temporaryFolder(), `turnwire-${userId ?? 0}`);
  }
}

function isOwnFolder(path: string, userId: number | undefined): boolean {
  try {
    const stats = statSync(path);
    return stats.isDirectory() && stats.uid === userId;
  } catch {
    // It is not there, or in a folder that this user may not look into.
    return false;
  }
}

/** Makes a folder that only its owner can open, or checks that it is one. */
function makePrivate(folder: string, userId: number | undefined): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  }
  const stats = lstatSync(folder);
  const isOwn = stats.isDirectory() && stats.uid === userId && (stats.mode & 0o077) === 0;
  if (!isOwn)
    throw new Error(`${folder} must be a folder of this user's, with the permissions 0700`);
}
