// Replays recorded answers of providers through the built server, each as it came, in pieces of seven
// bytes and with CRLF, and says which were not understood:
//
//   node scripts/run.mjs scripts/replay.ts FILE [NAME]
//
// FILE holds an array of `{name, type, steps: [{status, headers, body}]}` as JSON, packed with gzip or
// not; NAME is a part of the names to replay. Nothing of a recording is kept.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Notice, Peer } from "../bench/peer.js";
import { wireFormats } from "../test/helpers/wireFormats.js";
import { type RecordedStep, type Recording, readRecordings, saidIn } from "./replay/recording.js";

const cuts = ["whole", "pieces", "crlf"] as const;
type Cut = (typeof cuts)[number];

interface Attempt {
  readonly id: string;
  readonly recording: Recording;
  readonly cut: Cut;
  readonly requests: string[];
}

const [file, part = ""] = process.argv.slice(2);
if (file === undefined) throw new Error("usage: replay.ts FILE [NAME]");
const recordings = readRecordings(file).filter(({ name }) => name.includes(part));
const attempts = recordings.flatMap((recording, index) =>
  cuts.map((cut): Attempt => ({ id: `r${index}-${cut}`, recording, cut, requests: [] })),
);
const byId = new Map(attempts.map((attempt) => [attempt.id, attempt]));

const provider = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  const attempt = byId.get(request.url?.split("/")[1] ?? "");
  if (attempt === undefined) return void response.writeHead(404).end();
  attempt.requests.push(body);
  await answer(attempt, response);
});
provider.listen(0, "127.0.0.1");
await once(provider, "listening");
const address = provider.address();
const port = typeof address === "object" ? address?.port : 0;

const folder = mkdtempSync(join(tmpdir(), "turnwire-replay-"));
const providers = Object.fromEntries(
  attempts.map(({ id, recording }) => {
    const path = wireFormats.find(({ type }) => type === recording.type)?.path ?? "";
    const models = [{ id: "model-1", canReason: true, supportsImages: true }];
    const baseUrl = `http://127.0.0.1:${port}/${id}${path}`;
    return [id, { type: recording.type, baseUrl, models }];
  }),
);
const config = join(folder, "config.json");
writeFileSync(config, JSON.stringify({ providers, limits: { maxSteps: 8 } }));

const server = new Peer({
  args: ["bin/turnwire.js", "serve", "--data-dir", join(folder, "data")],
  env: { HOME: folder, TURNWIRE_CONFIG: config },
});
await server.request("initialize", { clientId: "replay" });
let failures = 0;
for (const recording of recordings) {
  const own = attempts.filter((attempt) => attempt.recording === recording);
  const found: string[] = [];
  for (const attempt of own) {
    for (const problem of await problemsOf(attempt)) found.push(`  ${attempt.cut}: ${problem}`);
  }
  if (found.length === 0) continue;
  failures++;
  console.log(`${recording.type} ${recording.name}\n${[...new Set(found)].join("\n")}`);
}
console.log(`${recordings.length - failures} of ${recordings.length} recordings are understood`);
await server.end();
provider.closeAllConnections();
provider.close();
rmSync(folder, { recursive: true, force: true });
process.exitCode = failures > 0 ? 1 : 0;

/** Runs a turn against a recording; says what of it did not arrive. */
async function problemsOf(attempt: Attempt): Promise<string[]> {
  const path = join(folder, attempt.id);
  mkdirSync(path);
  const { id: workspaceId } = await server.request("createWorkspace", {
    path,
    permissionMode: "deny",
    initAgent: true,
  });
  const model = { provider: attempt.id, model: "model-1" };
  await server.request("setModel", { workspaceId, modelType: "large", model });
  const session = await server.request("createSession", { workspaceId, title: attempt.id });
  const ids = { workspaceId, sessionId: session.id };
  const ended = server.next("runComplete", ({ runId }) => runId === attempt.id);
  await server.request("sendMessage", { ...ids, prompt: "Go on.", runId: attempt.id });
  const completion = await ended;
  await server.request("acknowledge", { completionIds: [completion.completionId] });
  const { messages } = await server.request("listMessages", ids);
  return compare(attempt, completion, messages as readonly StoredMessage[]);
}

interface StoredMessage {
  readonly role: string;
  readonly parts: readonly Readonly<Record<string, unknown>>[];
}

function compare(attempt: Attempt, completion: Notice, messages: readonly StoredMessage[]) {
  const problems: string[] = [];
  const { recording } = attempt;
  const said = saidIn(recording.type, recording.steps[0]?.body ?? "");
  if (said.isError) {
    return completion.status === "failed" ? [] : ["the provider's error is no failure"];
  }
  if (said.isBroken) {
    return attempt.requests.length > 1 ? [] : ["half an answer was taken for a whole one"];
  }
  if (completion.status !== "succeeded") return [`${completion.errorName}: ${completion.error}`];
  const reply = messages.find(({ role }) => role === "assistant")?.parts ?? [];
  const joined = (type: string) =>
    reply.map((one) => (one.type === type ? String(one.text) : "")).join("");
  const calls = reply.filter(({ type }) => type === "toolCall").map(({ name }) => name);
  const differ = (what: string, is: string, wanted: string) => {
    if (is.trim() !== wanted.trim()) {
      problems.push(
        `${what}: ${JSON.stringify(is.slice(0, 80))}, not ${JSON.stringify(wanted.slice(0, 80))}`,
      );
    }
  };
  differ("text", joined("text"), said.text);
  differ(
    "reasoning",
    joined("reasoning").replaceAll(/\s/g, ""),
    said.reasoning.replaceAll(/\s/g, ""),
  );
  differ("calls", calls.join(), said.calls.join());
  const expected = said.calls.length > 0 ? 2 : 1;
  if (attempt.requests.length !== expected) {
    problems.push(`${attempt.requests.length} requests, not ${expected}`);
  }
  if (
    said.inputTokens > 0 &&
    Number((completion.usage as Notice | undefined)?.promptTokens) === 0
  ) {
    problems.push("no usage");
  }
  return problems;
}

async function answer({ recording, cut, requests }: Attempt, response: ServerResponse) {
  const step = recording.steps[requests.length - 1] ?? lastWord(recording);
  const bytes = Buffer.from(cut === "crlf" ? step.body.replaceAll(/\r?\n/g, "\r\n") : step.body);
  response.socket?.setNoDelay(true);
  response.writeHead(step.status, step.headers);
  const size = cut === "pieces" ? 7 : bytes.length;
  for (let at = 0; at < bytes.length && !response.destroyed; at += size) {
    await new Promise<void>((done) => response.write(bytes.subarray(at, at + size), () => done()));
  }
  response.end();
}

/** What ends the turn when the recording has nothing more. */
function lastWord({ type }: Recording): RecordedStep {
  const format = wireFormats.find((one) => one.type === type);
  const headers = { "content-type": "text/event-stream" };
  return { status: 200, headers, body: format?.reply({ text: ["Done."] }).join("") ?? "" };
}
