// A Unix socket that only its owner can reach, and the way to it (protocol.md section 2, The daemon). Node tells
// nothing about the process at the other end, so what is checked is the file system's: owners and
// permissions of the socket and of its folder, on both sides.
import { chmodSync, lstatSync, renameSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { dirname, join, parse } from "node:path";
import type { Clock } from "../base/clock.js";
import { inodeOf } from "../base/fileIdentity.js";
import { systemErrorCode } from "../base/systemError.js";

/** What this process is, as far as files are concerned; nothing is checked on Windows. */
export interface FileOwner {
  /** The user's number; undefined on Windows, where pipes have no owner that Node tells. */
  readonly userId: number | undefined;
  /** Sets the permissions that new files never get; returns those of before. */
  setMask(mask: number): number;
}

/** A socket that takes connections. */
export interface LocalListener {
  /** Whether its file is where clients look for it: something may have removed or replaced it. */
  readonly isInPlace: boolean;
  /** Takes no new connections, and removes the socket's file, but no other one; those that are open stay. */
  close(): void;
  /** Like {@link close}, but takes those who have come by then: the system connects them before this process. */
  leave(clock: Pick<Clock, "soon">): Promise<void>;
}

const ownerOnly = 0o600;
/** The permissions of anybody else than the owner. */
const ofOthers = 0o077;
const writableByOthers = 0o022;

/**
 * Listens on a path that no living process listens on, which the caller knows by a lock of its own. A
 * socket that a dead process has left is replaced.
 *
 * @throws Error where something else is in the place, or where others could reach or replace it.
 */
export async function listenLocally(
  path: string,
  owner: FileOwner,
  onConnection: (socket: Socket) => void,
): Promise<LocalListener> {
  let taken = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    taken += 1;
    onConnection(socket);
  });
  const takeWaiting = async (clock: Pick<Clock, "soon">) => {
    // A turn of the event loop takes one connection, and its own first part may be over.
    for (let quietTurns = 0; quietTurns < 2; ) {
      const before = taken;
      await new Promise<void>((resolve) => clock.soon(resolve));
      quietTurns = taken === before ? quietTurns + 1 : 0;
    }
    server.close();
  };
  if (owner.userId === undefined) {
    await bind(server, path, owner);
    return { isInPlace: true, close: () => void server.close(), leave: takeWaiting };
  }
  // Node removes whatever is at the path that it was told when the server closes, also what another process
  // has put there. So it is told another one, and only this code removes the socket.
  const made = join(dirname(path), `${parse(path).name}.new`);
  checkFolder(dirname(path), owner.userId);
  for (const stale of [path, made]) removeStale(stale, owner.userId);
  await bind(server, made, owner);
  try {
    chmodSync(made, ownerOnly);
    checkSocket(made, owner.userId);
    renameSync(made, path);
  } catch (error) {
    server.close();
    throw error;
  }
  const own = inodeOf(path);
  // Later the system may have given its number to another file.
  const isInPlace = () => server.listening && inodeOf(path) === own;
  const remove = () => {
    if (isInPlace()) rmSync(path, { force: true });
  };
  return {
    get isInPlace() {
      return isInPlace();
    },
    close() {
      remove();
      server.close();
    },
    leave(clock) {
      remove();
      return takeWaiting(clock);
    },
  };
}

/** The socket gets its permissions as it is made: there is no moment at which others can reach it. */
function bind(server: Server, path: string, { setMask }: FileOwner): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      // A connection that could not be taken is its client's loss alone.
      server.on("error", () => {});
      resolve();
    });
    const before = setMask(0o177);
    try {
      server.listen(path);
    } finally {
      setMask(before);
    }
  });
}

/**
 * Connects to a socket of the own user. Rejects with the system's error where nobody listens, and with
 * an `Error` that says why where the socket, or its folder, is not the user's own.
 */
export async function connectLocally(
  path: string,
  owner: Pick<FileOwner, "userId">,
): Promise<Socket> {
  checkSocket(path, owner.userId);
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path, allowHalfOpen: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      // What reads and writes it hears of it; this only keeps a late error from ending the process.
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

/** Whether an error of {@link connectLocally} says that nobody listens there. */
export function isNobodyThere(error: unknown): boolean {
  return ["ENOENT", "ECONNREFUSED", "ENOTDIR"].includes(systemErrorCode(error) ?? "");
}

function checkSocket(path: string, userId: number | undefined): void {
  if (userId === undefined) return;
  const stats = lstatSync(path);
  if (!stats.isSocket()) throw new Error(`${path} is no socket`);
  if (stats.uid !== userId) throw new Error(`the socket ${path} belongs to another user`);
  if ((stats.mode & ofOthers) !== 0) throw new Error(`other users can reach the socket ${path}`);
  checkFolder(dirname(path), userId);
}

/** In a folder that others can write to, they could put a socket of their own into its place. */
function checkFolder(folder: string, userId: number): void {
  const stats = lstatSync(folder);
  if (!stats.isDirectory()) throw new Error(`${folder} is no folder`);
  if (stats.uid !== userId) throw new Error(`the folder ${folder} belongs to another user`);
  if ((stats.mode & writableByOthers) !== 0) {
    throw new Error(`other users can write to the folder ${folder}, which holds the socket`);
  }
}

function removeStale(path: string, userId: number): void {
  let stats: ReturnType<typeof lstatSync>;
  try {
    stats = lstatSync(path);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return;
    throw error;
  }
  if (!stats.isSocket() || stats.uid !== userId) {
    throw new Error(`${path} is in the place of the socket, and is not one of this user's`);
  }
  rmSync(path, { force: true });
}
