// How much of a conversation a provider reads anew at the next prompt: what of a request does not begin
// the one after it, while files, commits and AGENTS.md change between the prompts.
import { execFileSync } from "node:child_process";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RawProvider } from "../../test/helpers/rawProvider.js";
import { readInOrder, sharedPrefix } from "../../test/helpers/requestPrefix.js";
import { ServerChild } from "../../test/helpers/serverChild.js";
import { answerOf, type WireFormat, wireFormats } from "../../test/helpers/wireFormats.js";
import type { BenchContext, Findings, Row, Suite } from "../measure.js";

export const cache: Suite = { name: "cache", run };

const main = "dist/main.js";
const mostReadAnew = 5;

async function run(context: BenchContext): Promise<Findings> {
  const rows: Row[] = [];
  for (const format of wireFormats) {
    const ours = await readAnew(format, context);
    const what = `read anew of a request at the next prompt, ${format.type}`;
    const rule = { kind: "atMost", limit: mostReadAnew } as const;
    rows.push({ suite: "cache", what, unit: "%", ours, rule, note: "the most of all prompts" });
  }
  return { rows };
}

async function readAnew(format: WireFormat, context: BenchContext): Promise<number> {
  const provider = await RawProvider.start();
  const path = makeRepository(context.makeFolder());
  const server = new ServerChild({
    main,
    dataDir: join(context.makeFolder(), "data"),
    env: { TURNWIRE_CONFIG: writeConfig(context.makeFolder(), format, provider) },
  });
  try {
    await server.request("initialize", { clientId: "bench", protocolVersion: 1 });
    const workspace = { path, permissionMode: "allow", initAgent: true };
    const { id: workspaceId } = await server.request("createWorkspace", workspace);
    const { id: sessionId } = await server.request("createSession", { workspaceId, title: "one" });
    for (let turn = 0; turn < (context.isQuick ? 4 : 12); turn++) {
      const runId = `turn-${turn}`;
      provider.enqueue(
        answerOf(format, { thought: "Hm. ", text: ["I look."], call: ['{"text":"there"}'] }),
        answerOf(format, { thought: "Hm. ", text: ["That is all."] }),
      );
      await server.request("sendMessage", { workspaceId, sessionId, runId, prompt: "Go on." });
      await server.request("waitRun", { workspaceId, runId });
      change(path, turn);
    }
  } finally {
    await server.end();
    await provider.close();
  }
  const sent = provider.requests.map(({ body }) => readInOrder(format.type, body));
  const shares = sent.slice(1).map((later, index) => sharedPrefix(sent[index] ?? "", later));
  return 100 * (1 - Math.min(...shares));
}

function writeConfig(folder: string, { type, path }: WireFormat, provider: RawProvider): string {
  const acme = {
    type,
    baseUrl: `${provider.origin}${path}`,
    apiKey: "none",
    models: [{ id: "model-1" }],
  };
  const large = { provider: "acme", model: "model-1" };
  const file = join(folder, "config.json");
  writeFileSync(file, JSON.stringify({ providers: { acme }, models: { large, small: large } }));
  return file;
}

function makeRepository(path: string): string {
  git(path, "init", "--quiet");
  writeFileSync(join(path, "AGENTS.md"), "Be brief.\n");
  git(path, "add", "--all");
  git(path, "commit", "--quiet", "--message", "Begin");
  return path;
}

/** What a person does between two prompts. */
function change(path: string, turn: number): void {
  appendFileSync(join(path, `file-${turn}.txt`), "more\n");
  if (turn % 3 === 2) appendFileSync(join(path, "AGENTS.md"), `Rule ${turn}.\n`);
  git(path, "add", "--all");
  git(path, "commit", "--quiet", "--message", `Step ${turn}`);
}

function git(cwd: string, ...args: string[]): void {
  const name = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"];
  execFileSync("git", [...name, ...args], { cwd, stdio: "pipe" });
}
