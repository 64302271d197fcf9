// Notes of servers that can be looked into: whose folder they may be in, and what goes with them.
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newAddress, notesIn, removeNote, writeNote } from "../../src/inspector/liveNote.js";
import { onWindows, unless } from "../helpers/unless.js";

let root: string;
let folder: string;
const servers: Server[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "turnwire-notes-"));
  folder = join(root, "inspect");
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rmSync(root, { recursive: true, force: true });
});

async function listen(address: string): Promise<void> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(address, resolve));
}

unless(
  describe,
  onWindows,
  "there are no Unix sockets",
)("a note", () => {
  it("goes with its socket, and with nothing else beside that", async () => {
    const address = newAddress(folder, 7);
    await listen(address);
    writeNote(folder, { pid: 7, address });
    writeNote(folder, { pid: 8, address: join(folder, "8.sock") });
    expect(notesIn(folder)).toContainEqual({ pid: 7, address });
    removeNote(folder, { pid: 7, address });
    expect(readdirSync(folder)).toEqual(["8.json"]);
  });

  it.each([
    ["of a server that was killed", false],
    ["of a server that has closed its socket", true],
  ])(
    "goes with the private folder of a socket whose path would be too long, %s",
    async (_, isClosed) => {
      const deep = join(root, "d".repeat(100), "inspect");
      const address = newAddress(deep, 7);
      await listen(address);
      writeNote(deep, { pid: 7, address });
      const server = servers.at(-1);
      if (isClosed) await new Promise((resolve) => server?.close(resolve));
      removeNote(deep, { pid: 7, address });
      expect(existsSync(dirname(address))).toBe(false);
      removeNote(deep, { pid: 7, address });
    },
  );

  it("of a data directory that was moved, or has another name too, takes no folder with it", async () => {
    newAddress(folder, 7);
    const other = join(root, "other");
    symlinkSync(folder, other);
    writeNote(folder, { pid: 7, address: join(other, "7.sock") });
    await listen(join(folder, "8.sock"));
    writeNote(folder, { pid: 8, address: join(folder, "8.sock") });
    removeNote(folder, { pid: 7, address: join(other, "7.sock") });
    expect(readdirSync(folder).sort()).toEqual(["8.json", "8.sock"]);
  });

  it.each(["precious", "turnwire-inspect-precious"])(
    "with a wrong address takes no file with it: %s",
    (name) => {
      newAddress(folder, 7);
      const place = join(root, name);
      mkdirSync(place);
      writeFileSync(join(place, "file"), "x");
      removeNote(folder, { pid: 7, address: join(place, "file") });
      removeNote(folder, { pid: 7, address: join(place, "none") });
      expect(readdirSync(place)).toEqual(["file"]);
    },
  );
});

unless(
  describe,
  onWindows,
  "there are no owners and permissions",
)("the folder of notes", () => {
  const refusal = "must be a folder of this user's, with the permissions 0700";
  const isRefused = () => {
    expect(() => notesIn(folder)).toThrow(refusal);
    expect(() => newAddress(folder, 7)).toThrow(refusal);
  };

  it.each([0o770, 0o707, 0o750, 0o701])("is refused if others may use it: %o", (mode) => {
    mkdirSync(folder);
    chmodSync(folder, mode);
    isRefused();
  });

  it("is refused if it leads elsewhere, also to a folder of the user's own", () => {
    mkdirSync(join(root, "real"), { mode: 0o700 });
    symlinkSync(join(root, "real"), folder);
    isRefused();
  });

  unless(
    it,
    process.getuid?.() !== 0,
    "only root can give a folder away",
  )("is refused if it is another user's", () => {
    mkdirSync(folder, { mode: 0o700 });
    chownSync(folder, 12_345, 12_345);
    isRefused();
  });
});
