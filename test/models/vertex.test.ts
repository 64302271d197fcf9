import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Provider } from "../../src/config/types.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { TestTurn } from "../helpers/agentTurn.js";
import { subjectToken, writeGoogleAccount } from "../helpers/googleAccount.js";
import { RawProvider } from "../helpers/rawProvider.js";
import { answerOf, type WireFormat, wireFormats } from "../helpers/wireFormats.js";

const formatOf = (type: WireFormat["type"]) => {
  const format = wireFormats.find((one) => one.type === type);
  if (format === undefined) throw new Error(type);
  return format;
};
const infoOf = (id: string) => ({
  id,
  provider: "acme",
  name: "Model",
  canReason: false,
  supportsImages: false,
});

/** Google's side of a sign-in: it gives a token for another one. */
let tokens: Server;
let subjects: string[];
let server: RawProvider;
let folder: string;
beforeEach(async () => {
  server = await RawProvider.start();
  folder = mkdtempSync(join(tmpdir(), "turnwire-google-"));
  subjects = [];
  tokens = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    subjects.push(form.get("subject_token") ?? "");
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({ access_token: "token-0123456789", expires_in: 3600, token_type: "Bearer" }),
    );
  });
  tokens.listen(0, "127.0.0.1");
  await once(tokens, "listening");
});
afterEach(async () => {
  vi.unstubAllGlobals();
  rmSync(folder, { recursive: true });
  tokens.close();
  tokens.closeAllConnections();
  await server.close();
});

function account(): string {
  const address = tokens.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return writeGoogleAccount(folder, `http://127.0.0.1:${port}/token`);
}

async function run(change: Partial<Provider>, id = "gemini-3.8-flash") {
  const info = infoOf(id);
  const provider: Provider = {
    id: "acme",
    type: "vertex",
    headers: {},
    models: [info],
    ...change,
  };
  return new TestTurn().runThroughPauses(await createLanguageModel(provider, info), {}, info);
}

/** Sends what goes to Google to the loopback server, and tells where it went. */
function redirectToLoopback(): string[] {
  const addresses: string[] = [];
  const real = globalThis.fetch;
  vi.stubGlobal("fetch", (input: URL | string, init?: RequestInit) => {
    const url = new URL(String(input));
    addresses.push(url.href);
    return real(`${server.origin}${url.pathname}${url.search}`, init);
  });
  return addresses;
}

const own = { location: "global", usesOwn: true, isNamed: true };

describe("Gemini on Google Cloud", () => {
  beforeEach(() => {
    server.usual = answerOf(formatOf("vertex"), { text: ["Done."] });
  });

  it("is called with a token for its credentials, in its project", async () => {
    const addresses = redirectToLoopback();
    const googleCloud = { ...own, project: "p", credentialsFile: account() };
    expect(await run({ googleCloud })).toMatchObject({ text: "Done." });
    expect(addresses).toEqual([
      "https://aiplatform.googleapis.com/v1beta1/projects/p/locations/global/publishers/google/models/gemini-3.8-flash:streamGenerateContent?alt=sse",
    ]);
    expect(server.requests[0]?.headers.authorization).toBe("Bearer token-0123456789");
    expect(subjects).toEqual([subjectToken]);
    expect(JSON.stringify(server.requests)).not.toContain(subjectToken);
  });

  it.each([
    ["europe-west1", "https://europe-west1-aiplatform.googleapis.com/"],
    ["eu", "https://aiplatform.eu.rep.googleapis.com/"],
  ])("is called where the location %s is", async (location, start) => {
    const addresses = redirectToLoopback();
    const googleCloud = { ...own, location, project: "p", credentialsFile: account() };
    await run({ googleCloud });
    expect(addresses[0]).toContain(`${start}v1beta1/projects/p/locations/${location}/`);
  });

  it("is called with a key alone, in express mode", async () => {
    const addresses = redirectToLoopback();
    expect(await run({ apiKey: "key-0123456789" })).toMatchObject({ text: "Done." });
    expect(addresses[0]).toMatch(
      /^https:\/\/aiplatform\.googleapis\.com\/v1\/publishers\/google\/models\/gemini/,
    );
    expect(server.requests[0]?.headers["x-goog-api-key"]).toBe("key-0123456789");
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });

  it("keeps one's own token from an address that is not Google's", async () => {
    const baseUrl = `${server.origin}/v1/projects/p/locations/global`;
    const googleCloud = { location: "global", usesOwn: false, isNamed: false };
    const outcome = await run({ baseUrl, googleCloud });
    expect(outcome).toMatchObject({ status: "failed", errorName: "ProviderAuth" });
    expect(outcome.error).toContain("Google's addresses alone");
    expect(server.requests).toEqual([]);
  });

  it.each([
    ["is not there", undefined],
    ["is no JSON", "PRIVATE-0123456789"],
    ["is of no kind that is known", '{"type": "PRIVATE-0123456789"}'],
  ])("says what to do where the file %s, and quotes nothing of it", async (_, text) => {
    const credentialsFile = join(folder, "bad.json");
    if (text !== undefined) writeFileSync(credentialsFile, text);
    const outcome = await run({ googleCloud: { ...own, project: "p", credentialsFile } });
    expect(outcome).toMatchObject({ status: "failed", errorName: "ProviderAuth" });
    expect(outcome.error).toContain("gcloud auth application-default login");
    expect(outcome.error).not.toContain("PRIVATE");
  });
});

describe("Claude on Google Cloud", () => {
  it("speaks its own format there", async () => {
    server.usual = answerOf(formatOf("anthropic"), { text: ["Done."] });
    const addresses = redirectToLoopback();
    const location = "us-east5";
    const googleCloud = { ...own, location, project: "p", credentialsFile: account() };
    expect(await run({ googleCloud }, "claude-opus-5-5")).toMatchObject({ text: "Done." });
    expect(addresses).toEqual([
      "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-5-5:streamRawPredict",
    ]);
    const [request] = server.requests;
    expect(request?.headers.authorization).toBe("Bearer token-0123456789");
    const body = JSON.parse(request?.body ?? "");
    expect(body).toMatchObject({ anthropic_version: "vertex-2023-10-16", stream: true });
    expect(body.system[0].cache_control).toEqual({ type: "ephemeral" });
  });

  it("wants an account, and says so", async () => {
    const outcome = await run({ apiKey: "key-0123456789" }, "claude-opus-5-5");
    expect(outcome).toMatchObject({ status: "failed", errorName: "ProviderAuth" });
  });
});
