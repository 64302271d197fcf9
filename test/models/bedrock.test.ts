// Bedrock as AWS has it: who signs, what is signed, and what goes wrong in its own words.

import { createHash, createHmac } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import type { AwsAccount, Provider } from "../../src/config/types.js";
import { noteOptions } from "../../src/models/callNote.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { TestTurn } from "../helpers/agentTurn.js";
import { awsEvent, awsException } from "../helpers/awsFrames.js";
import { RawProvider, type RawRequest } from "../helpers/rawProvider.js";
import { answerOf, wireFormats } from "../helpers/wireFormats.js";

const info = {
  id: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  provider: "acme",
  name: "Model",
  canReason: true,
  supportsImages: true,
};
const keys = {
  accessKeyId: "AKIDEXAMPLE0",
  secretAccessKey: "secret-0123456789/abcdef",
  sessionToken: "session-0123456789",
};

let server: RawProvider;
let turn: TestTurn;
let folder: string;
beforeEach(async () => {
  server = await RawProvider.start();
  turn = new TestTurn();
  folder = mkdtempSync(join(tmpdir(), "turnwire-aws-"));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await server.close();
});

const format = wireFormats.find(({ type }) => type === "bedrock");
const done = () => {
  if (format === undefined) throw new Error("no such format");
  return answerOf(format, { text: ["Done."] });
};
const stream = (...frames: Buffer[]) => ({
  body: Buffer.concat(frames).toString("latin1"),
  encoding: "latin1" as const,
  headers: { "content-type": "application/vnd.amazon.eventstream" },
});

async function run(aws: AwsAccount, change: Partial<Provider> = {}, model = info) {
  const provider: Provider = {
    id: "acme",
    type: "bedrock",
    headers: {},
    models: [model],
    baseUrl: server.origin,
    aws,
    ...change,
  };
  return turn.runThroughPauses(await createLanguageModel(provider, model), {}, model);
}

/** Whether a request is signed as AWS's documents have it, computed here by themselves. */
function isSigned({ path, headers, body }: RawRequest, secret: string): boolean {
  const found =
    /Credential=[^/]+\/(\d+)\/([^/]+)\/bedrock\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)/.exec(
      headers.authorization ?? "",
    );
  if (found === null) return false;
  const [, day = "", region = "", signed = "", signature] = found;
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const hmac = (key: string | Buffer, text: string) =>
    createHmac("sha256", key).update(text).digest();
  const escaped = path
    .split("/")
    .map((part) => encodeURIComponent(part))
    .join("/");
  const lines = signed.split(";").map((name) => `${name}:${headers[name]}\n`);
  const canonical = ["POST", escaped, "", lines.join(""), signed, sha256(body)].join("\n");
  const scope = `${day}/${region}/bedrock/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha256(canonical)].join("\n");
  const key = [region, "bedrock", "aws4_request"].reduce<Buffer>(
    (last, part) => hmac(last, part),
    hmac(`AWS4${secret}`, day),
  );
  return hmac(key, text).toString("hex") === signature;
}

describe("who calls", () => {
  it("signs with the keys of the environment, and sends the secret nowhere", async () => {
    server.usual = done();
    expect(await run({ region: "eu-west-1", keys })).toMatchObject({ text: "Done." });
    const [request] = server.requests;
    if (request === undefined) throw new Error("nothing was sent");
    expect(request.path).toBe(`/model/${encodeURIComponent(info.id)}/converse-stream`);
    expect(isSigned(request, keys.secretAccessKey)).toBe(true);
    expect(isSigned(request, "another secret")).toBe(false);
    expect(request.headers["x-amz-security-token"]).toBe(keys.sessionToken);
    expect(JSON.stringify(request)).not.toContain(keys.secretAccessKey);
  });

  it("signs with a profile of AWS's own files, in its region, as they are by then", async () => {
    const credentialsFile = join(folder, "credentials");
    const configFile = join(folder, "config");
    const write = (secret: string) =>
      writeFileSync(
        credentialsFile,
        `[default]\naws_access_key_id=OTHER\naws_secret_access_key=other\n[work]\naws_access_key_id=AKIDWORK\naws_secret_access_key=${secret}\n`,
      );
    write("first-0123456789");
    writeFileSync(configFile, "[profile work]\nregion = ap-south-1\n");
    server.usual = done();
    const account = { profile: "work", credentialsFile, configFile };
    expect(await run(account)).toMatchObject({ text: "Done." });
    expect(server.requests[0]?.headers.authorization).toMatch(/AKIDWORK\/\d+\/ap-south-1\//);
    write("second-0123456789");
    expect(await run(account)).toMatchObject({ text: "Done." });
    const signed = server.requests.map((request) =>
      ["first-0123456789", "second-0123456789"].map((secret) => isSigned(request, secret)),
    );
    expect(signed).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it("runs what a profile names to get credentials", async () => {
    const configFile = join(folder, "config");
    const given = { Version: 1, AccessKeyId: "AKIDPROC", SecretAccessKey: "from-a-process-1" };
    const program = join(folder, "give.cjs");
    writeFileSync(program, `console.log(${JSON.stringify(JSON.stringify(given))})`);
    writeFileSync(
      configFile,
      `[profile p]\nregion = us-east-2\ncredential_process = "${process.execPath}" "${program}"\n`,
    );
    server.usual = done();
    const account = { profile: "p", credentialsFile: join(folder, "none"), configFile };
    expect(await run(account)).toMatchObject({ text: "Done." });
    const [request] = server.requests;
    expect(request && isSigned(request, "from-a-process-1")).toBe(true);
  });

  it("sends a key of Bedrock's as it is, and signs nothing then", async () => {
    server.usual = done();
    await run({ region: "us-east-1", keys }, { apiKey: "bedrock-key-0123" });
    expect(server.requests[0]?.headers.authorization).toBe("Bearer bedrock-key-0123");
  });

  it("says what to do where there is no such profile, and asks nobody else", async () => {
    const files = { credentialsFile: join(folder, "none"), configFile: join(folder, "none") };
    const outcome = await run({ region: "us-east-1", profile: "wrok", ...files });
    expect(outcome).toMatchObject({ status: "failed", errorName: "ProviderAuth" });
    expect(outcome.error).toMatch(/"acme" could not be called.*wrok.*aws sso login --profile wrok/);
    expect(server.requests).toEqual([]);
  });

  it("says what to do where no region is known", async () => {
    const files = { credentialsFile: join(folder, "none"), configFile: join(folder, "none") };
    const outcome = await run({ keys, ...files });
    expect(outcome).toMatchObject({ status: "failed", errorName: "ProviderError" });
    expect(outcome.error).toMatch(/"acme" has no region.*AWS_REGION/);
  });

  it("shows no secret of the account in an error", async () => {
    const message = `bad ${keys.secretAccessKey} and ${keys.sessionToken}`;
    server.usual = { status: 403, body: JSON.stringify({ message }) };
    const outcome = await run({ region: "us-east-1", keys });
    expect(outcome).toMatchObject({ errorName: "ProviderAuth" });
    expect(outcome.error).toContain("aws sts get-caller-identity");
    expect(JSON.stringify([outcome, turn.sink.messages])).not.toMatch(/secret-01|session-01/);
  });
});

describe("what goes wrong", () => {
  const account = { region: "us-east-1", keys };
  const begun = awsEvent("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Half" } });

  it.each([
    ["throttlingException", "Too many requests", "RateLimited", 5],
    ["internalServerException", "Something broke", "ProviderOverloaded", 5],
    ["modelStreamErrorException", "The stream broke", "ProviderOverloaded", 5],
    ["serviceUnavailableException", "Come back later", "ProviderOverloaded", 5],
    ["modelTimeoutException", "Too slow", "ProviderOverloaded", 5],
    ["validationException", "messages.1: what is this?", "ProviderError", 1],
    ["validationException", "Input is too long for requested model.", "ContextOverflow", 1],
  ])(
    "inside the answer is told and tried again as such: %s, %s",
    async (type, words, errorName, tries) => {
      server.usual = stream(begun, awsException(type, words));
      const outcome = await run(account);
      expect(outcome).toMatchObject({ status: "failed", errorName });
      expect(outcome.error).toContain(words.replace(/\.$/, ""));
      expect(server.requests).toHaveLength(tries);
    },
  );

  it.each([
    [
      429,
      "ThrottlingException",
      "Too many tokens, please wait before trying again.",
      "RateLimited",
    ],
    [400, "ValidationException", "Input is too long for requested model.", "ContextOverflow"],
    [403, "ExpiredTokenException", "The security token is expired", "ProviderAuth"],
    [503, "ServiceUnavailableException", "Busy", "ProviderOverloaded"],
    [424, "ModelErrorException", "The model failed", "ProviderError"],
  ])("before the answer too: %i %s", async (status, type, message, errorName) => {
    const headers = { "x-amzn-errortype": type, "content-type": "application/json" };
    server.usual = { status, headers, body: JSON.stringify({ message }) };
    expect(await run(account)).toMatchObject({ status: "failed", errorName });
  });

  it("a frame with a wrong checksum is no word of the model", async () => {
    const broken = Buffer.from(begun);
    broken.writeUInt8(broken.readUInt8(broken.length - 8) ^ 1, broken.length - 8);
    server.enqueue(stream(broken), done());
    expect(await run(account)).toMatchObject({ status: "succeeded", text: "Done." });
  });
});

describe("what is sent", () => {
  async function bodyFor(model: typeof info, reasoningEffort?: string) {
    server.usual = done();
    const provider: Provider = {
      id: "acme",
      type: "bedrock",
      headers: {},
      models: [model],
      baseUrl: server.origin,
      aws: { region: "us-east-1", keys },
    };
    const called = await createLanguageModel(provider, model);
    const { stream: parts } = await called.doStream({
      prompt: [
        { role: "system", content: "Be brief." },
        { role: "user", content: [{ type: "text", text: "Hello" }] },
      ],
      providerOptions: noteOptions({
        purpose: "turn",
        ...defined({ reasoningEffort }),
      }),
    });
    await parts.pipeTo(new WritableStream());
    return JSON.parse(server.requests.at(-1)?.body ?? "");
  }

  it("has marks for the cache where the model takes them, and only there", async () => {
    const body = await bodyFor(info);
    expect(body.system).toEqual([{ text: "Be brief." }, { cachePoint: { type: "default" } }]);
    expect(body.messages[0].content.at(-1)).toEqual({ cachePoint: { type: "default" } });
    const other = await bodyFor({ ...info, id: "meta.llama4-maverick-17b-instruct-v1:0" });
    expect(JSON.stringify(other)).not.toContain("cachePoint");
  });

  it("asks a model to think in its own terms", async () => {
    const old = await bodyFor(info, "low");
    expect(old.additionalModelRequestFields.thinking).toMatchObject({
      type: "enabled",
      budget_tokens: 4096,
    });
    const adaptive = await bodyFor({ ...info, id: "anthropic.claude-opus-5-5" }, "high");
    expect(adaptive.additionalModelRequestFields).toMatchObject({
      thinking: { type: "adaptive" },
      output_config: { effort: "high" },
    });
    const oss = await bodyFor({ ...info, id: "openai.gpt-oss-120b-1:0" }, "high");
    expect(oss.additionalModelRequestFields).toEqual({ reasoning_effort: "high" });
  });
});
