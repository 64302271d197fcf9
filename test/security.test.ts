// SECURITY.md: each sentence of the threat model names the tests that show it. Two of them are here.
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { endServers, startServer } from "./helpers/serverProcess.js";
import { notOnLinux, onWindows, unless } from "./helpers/unless.js";

const root = new URL("..", import.meta.url);
const text = readFileSync(new URL("SECURITY.md", root), "utf8");
const model = text.slice(text.indexOf("## Threat model"));
const sentences = model.split("\n").filter((line) => line.startsWith("- "));

afterAll(endServers);

describe("the threat model", () => {
  it("is about everybody who can do harm", () => {
    const headings = [...model.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual([
      "An untrusted workspace",
      "What a model writes",
      "A tool server",
      "The client",
      "Other users of the machine",
    ]);
    expect(sentences.length).toBeGreaterThan(25);
  });

  it.each(sentences)("names tests that are there: %s", (sentence) => {
    const tests = /\(((?:`test\/[\w./]+\.test\.ts`(?:, )?)+)\)\.$/.exec(sentence)?.[1];
    const paths = tests?.split(", ").map((path) => path.slice(1, -1)) ?? [];
    expect(paths).not.toEqual([]);
    expect(paths.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
  });
});

describe("a server on a machine with others", () => {
  unless(
    it,
    onWindows,
    "Windows has no modes of files",
  )("keeps its data directory to its user", async () => {
    const parent = startServer();
    await parent.settle();
    const dataDir = join(parent.dataDir, "own");
    const server = startServer({ dataDir });
    await server.settle();
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  });

  unless(
    it,
    notOnLinux,
    "only Linux tells a process's sockets",
  )("listens nowhere", async () => {
    const server = startServer();
    await server.settle();
    const folder = `/proc/${server.pid}/fd`;
    const own = readdirSync(folder).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(join(folder, fd)))?.[1] ?? [];
      } catch {
        // Closed since it was listed.
        return [];
      }
    });
    const listening = ["tcp", "tcp6"].flatMap((name) =>
      readFileSync(`/proc/${server.pid}/net/${name}`, "utf8")
        .split("\n")
        .map((line) => line.trim().split(/\s+/))
        .filter(([, , , state]) => state === "0A")
        .map((fields) => fields[9]),
    );
    expect(own.filter((inode) => listening.includes(inode))).toEqual([]);
  });
});
