// What a provider has read once it need not read again: each request begins with the one before it,
// from turn to turn, whatever changes in the workspace, and also when the server was started anew.
import { execFileSync } from "node:child_process";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { RawProvider } from "../helpers/rawProvider.js";
import { readInOrder, sharedPrefix } from "../helpers/requestPrefix.js";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { answerOf, type Spoken, wireFormats } from "../helpers/wireFormats.js";
import { openSession, WireSession } from "../helpers/wireSession.js";

let provider: RawProvider;
beforeEach(async () => {
  provider = await RawProvider.start();
});
afterEach(() => provider.close());
afterAll(endServers);

function git(cwd: string, ...args: string[]): void {
  const name = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
  execFileSync("git", [...name, ...args], { cwd, stdio: "pipe" });
}

function makeRepository(): string {
  const path = makeFolder();
  git(path, "init", "--quiet");
  writeFileSync(join(path, "a.txt"), "one\n");
  writeFileSync(join(path, "AGENTS.md"), "Answer in Latin.\n");
  git(path, "add", "--all");
  git(path, "commit", "--quiet", "--message", "Begin");
  return path;
}

/** A thought that is worth as much as all else. */
const long = "I think about what there is to see. ".repeat(200);

/** What a turn, an editor and a person do between two prompts. */
const changes: readonly ((path: string) => void)[] = [
  (path) => appendFileSync(join(path, "a.txt"), "two\n"),
  (path) => git(path, "commit", "--quiet", "--all", "--message", "Second"),
  (path) => git(path, "checkout", "--quiet", "-b", "other"),
  (path) => writeFileSync(join(path, "AGENTS.md"), "Answer in Greek.\n"),
];

describe.each(wireFormats)("with a provider of type $type", (format) => {
  const answer = (spoken: Spoken) => answerOf(format, spoken);

  function start(dataDir?: string): ServerProcess {
    const configFile = join(makeFolder(), "config.json");
    const acme = {
      type: format.type,
      baseUrl: `${provider.origin}${format.path}`,
      apiKey: "key-1",
      models: [{ id: "model-1" }],
    };
    const model = { provider: "acme", model: "model-1" };
    const config = { providers: { acme }, models: { large: model, small: model } };
    writeFileSync(configFile, JSON.stringify(config));
    const env = { TURNWIRE_CONFIG: configFile };
    return startServer(dataDir === undefined ? { env } : { env, dataDir });
  }

  /** A turn of two calls. */
  async function turn(session: WireSession, runId: string): Promise<void> {
    provider.enqueue(
      answer({ thought: long, text: ["I look."], call: ['{"text":"there"}'] }),
      answer({ thought: long, text: ["That is all."] }),
    );
    expect(await session.run(`Do ${runId}.`, runId)).toMatchObject({ status: "succeeded" });
  }

  it("every request begins with the one before it", async () => {
    const path = makeRepository();
    let server = start();
    let session = await openSession(server, { path });
    await turn(session, "first");
    for (const [index, change] of changes.entries()) {
      change(path);
      await turn(session, `turn-${index}`);
    }
    await server.kill();
    server = start(server.dataDir);
    const { id } = await server.call("createWorkspace", {
      path,
      permissionMode: "allow",
      initAgent: true,
    });
    session = new WireSession(server, id, session.sessionId, path);
    await turn(session, "after-a-restart");

    const sent = provider.requests.map(({ body }) => readInOrder(format.type, body));
    expect(sent).toHaveLength(2 * (changes.length + 2));
    const shares = sent.slice(1).map((later, index) => sharedPrefix(sent[index] ?? "", later));
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0.95);
    // The test would see nothing if nothing had been told.
    const last = sent.at(-1) ?? "";
    const told = ["in Latin", "in Greek", " M AGENTS.md", "Second", "Branch: other"];
    expect(told.filter((text) => !last.includes(text))).toEqual([]);
    const [, said] = (await session.messages()).filter(({ role }) => role === "user");
    expect(said?.parts).toEqual([{ type: "text", text: "Do turn-0." }]);
  });
});
