import { describe, expect, it } from "vitest";
import { DeltaRedaction } from "../../src/inspector/deltaRedaction.js";
import { Redaction, redacted } from "../../src/inspector/redaction.js";
import { isSecretName, isSecretVariable } from "../../src/inspector/secretNames.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { onThisMachine } from "../helpers/longestHold.js";

const secret = "s3cr3t-value-of-mine";

it.each([
  ["env of Turnwire", { params: { env: { A: secret, B: "x" } } }],
  ["env of ACP", { params: { mcpServers: [{ env: [{ name: "A", value: secret }] }] } }],
  ["an environment under its long name", { environment: { A: secret } }],
  ["headers", { headers: { "X-Anything": secret } }],
  ["headers as a list", { headers: [{ name: "Authorization", value: secret }] }],
  ["a key", { apiKey: secret }],
  ["a key in another writing", { "x-api-key": secret }],
  ["a token in an object", { params: { accessToken: { value: secret } } }],
  ["a password in a list", { passwords: [secret] }],
  ["a bearer token in a text", { text: `curl -H "Authorization: Bearer ${secret}"` }],
  ["a cookie in a text", { output: `Set-Cookie: sid=${secret}\r\n` }],
  ["the password of a URL", { url: `postgres://me:${secret}@host/db` }],
  ["a key by its look", { text: "use sk-proj-abcdefghijklmnopqrstuv now" }],
  ["a token of GitHub", { text: "ghp_abcdefghijklmnopqrstuvwxyz0123456789" }],
  ["a JSON web token", { text: `eyJhbGciOiJIUzI1NiJ9.${"e".repeat(20)}.${"f".repeat(20)}` }],
  [
    "a private key",
    { text: `-----BEGIN RSA PRIVATE KEY-----\n${secret}\n-----END RSA PRIVATE KEY-----` },
  ],
  ["a private key that is cut off", { text: `-----BEGIN PRIVATE KEY-----\n${secret}` }],
])("replaces %s", (_name, message) => {
  const text = JSON.stringify(new Redaction().message(message));
  expect(text).not.toContain(secret);
  expect(text).not.toMatch(/sk-proj|ghp_abc|eyJhb/);
  expect(text).toContain(redacted);
});

it("replaces what it was told, and what it has met, wherever it appears", () => {
  const redaction = new Redaction([secret]);
  redaction.message({ env: { MY_TOKEN: "met-on-the-way-1" } });
  const clean = redaction.message({ text: `${secret} and met-on-the-way-1`, [secret]: 1 });
  expect(clean).toEqual({ text: `${redacted} and ${redacted}`, [redacted]: 1 });
});

describe("a secret in another writing", () => {
  const odd = 'p"ss/w\\rd+of mine=7';
  const inJson = (value: unknown) => JSON.stringify(value);
  it.each([
    ["in JSON inside of a text", inJson({ key: odd })],
    ["in a URL", `https://host/?key=${encodeURIComponent(odd)}&more=1`],
    ["in a URL with small digits", encodeURIComponent(odd).toLowerCase()],
    ["in a form", new URLSearchParams({ key: odd }).toString()],
    ["in hex", Buffer.from(odd).toString("hex")],
    ["in capital hex", `key=${Buffer.from(odd).toString("hex").toUpperCase()};`],
    ["in escapes of JSON", odd.replace(/./g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)],
    ["in a URL, each character", odd.replace(/./g, (c) => `%${c.charCodeAt(0).toString(16)}`)],
    ["in JSON inside of JSON", inJson(inJson({ key: odd }))],
    ["in base64", Buffer.from(odd).toString("base64")],
    ["in base64 of a URL", Buffer.from(odd).toString("base64url")],
    ["in base64 behind another text", Buffer.from(`user:${odd}`).toString("base64")],
    ["in base64 in the middle", Buffer.from(`{"a":"${odd}","b":1}`).toString("base64")],
    ["in base64 behind one more", Buffer.from(`abcd${odd}xy`).toString("base64")],
  ])("is replaced %s", (_name, text) => {
    const redaction = new Redaction([odd]);
    const clean = redaction.text(text);
    expect(clean).toContain(redacted);
    const readable = [clean, decodeURIComponent(clean.replaceAll("+", " "))];
    for (const piece of clean.split(redacted)) {
      for (const skipped of [0, 1, 2, 3]) {
        readable.push(Buffer.from(piece.slice(skipped), "base64").toString());
        readable.push(Buffer.from(piece.slice(skipped), "hex").toString());
      }
    }
    for (const seen of readable) expect(seen).not.toContain(odd.slice(4, 14));
    expect(JSON.stringify(redaction.message({ text }))).toContain(redacted);
  });

  it("is still replaced as it is where there are many, and one that is very long", () => {
    const values = Array.from({ length: 199 }, (_, index) => `value-number-${index}-of-many`);
    const long = "x9".repeat(2_000_000);
    const redaction = new Redaction([...values, long]);
    for (const value of [values[0], values[198], long]) {
      expect(redaction.text(`a ${value} b`)).toBe(`a ${redacted} b`);
    }
  });

  it("leaves a text alone that has nothing of it", () => {
    const redaction = new Redaction([odd]);
    const text = Buffer.from("nothing of that kind is in here").toString("base64");
    expect(redaction.text(text)).toBe(text);
  });
});

describe("a secret in pieces", () => {
  const said = (pieces: readonly string[], secrets: readonly string[]) => {
    const redaction = new DeltaRedaction(new Redaction(secrets));
    return pieces
      .map((delta) => ({
        method: "messageDelta",
        params: { messageId: "m", partIndex: 0, kind: "text", delta },
      }))
      .map((message) => (redaction.message(message) as typeof message).params.delta)
      .join("");
  };

  it.each([1, 2, 3, 5, 8, 13])("is replaced in pieces of %i", (length) => {
    const text = `before ${secret} and after`;
    const pieces = text.match(new RegExp(`.{1,${length}}`, "g")) ?? [];
    const shown = said(pieces, [secret]);
    // What comes before it is known for a secret is no more than the beginning of a word.
    expect(shown).not.toContain(secret.slice(5, 9));
    expect(shown).toMatch(/^before .*\[redacted\] and after$/);
  });

  it("is told apart from text that only begins like it, and from other texts", () => {
    expect(said(["it is s3cr3", "ts that we keep"], [secret])).toBe("it is s3cr3ts that we keep");
    expect(said(["a", "b"], [])).toBe("ab");
  });

  it("is replaced in chunks of ACP", () => {
    const redaction = new DeltaRedaction(new Redaction([secret]));
    const chunk = (text: string) => ({
      method: "session/update",
      params: {
        sessionId: "s",
        update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text } },
      },
    });
    redaction.message(chunk(secret.slice(0, 10)));
    const second = JSON.stringify(redaction.message(chunk(secret.slice(10))));
    expect(second).not.toContain(secret.slice(10));
  });
});

it("leaves everything else as it was", () => {
  const message = {
    jsonrpc: "2.0",
    id: "tok-1",
    method: "$/progress",
    params: {
      token: "progress-token-1",
      maxOutputTokens: 4096,
      promptTokens: 3,
      hasPassword: true,
      semanticTokensProvider: { legend: { tokenTypes: ["namespace"] } },
      workDoneToken: "one-two-three",
      keys: ["a"],
      nothing: null,
    },
  };
  expect(new Redaction().message(message)).toEqual(message);
});

it("ends for what is nested too deep, and for hostile texts", async () => {
  let deep: unknown = "x";
  for (let depth = 0; depth < 100_000; depth++) deep = [deep];
  expect(() => new Redaction().message(deep)).not.toThrow();
  const hostile = ["://".repeat(200_000), "Authorization: ".repeat(50_000), "eyJ".repeat(200_000)];
  const redact = () => hostile.map((text) => new Redaction().text(text));
  expect(await cpuTimeOf(redact)).toBeLessThan(onThisMachine(2000));
});

describe("names", () => {
  it.each([
    "password",
    "apiKey",
    "API_KEY",
    "x-api-key",
    "authorization",
    "refresh_token",
    "clientSecret",
    "token",
    "Cookie",
    "privateKey",
    "aws_secret_access_key",
  ])("%s is a secret's", (name) => expect(isSecretName(name)).toBe(true));
  it.each(["key", "progressToken", "maxTokens", "author", "tokenTypes", "sessionId", "monkey"])(
    "%s is none's",
    (name) => expect(isSecretName(name)).toBe(false),
  );
  it("a variable's may be shorter", () => {
    expect(["MY_KEY", "HF_TOKEN", "PATH", "LANG"].map(isSecretVariable)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
  it("an option's value is replaced", () => {
    const words = ["srv", "--api-key", secret, "--token=abc", "--port", "80", "MY_TOKEN=abc"];
    expect(new Redaction().command(words)).toEqual([
      "srv",
      "--api-key",
      redacted,
      `--token=${redacted}`,
      "--port",
      "80",
      `MY_TOKEN=${redacted}`,
    ]);
  });
});

it("leaves a private key out that takes many lines of a log, and shows the lines behind it", () => {
  const redaction = new Redaction();
  const key = [
    "-----BEGIN RSA PRIVATE KEY-----",
    "MIIEpAIBAAKCAQEA7",
    "c2VjcmV0",
    "-----END RSA PRIVATE KEY-----",
  ];
  const lines = ["before", ...key.map((line) => line), "behind"];
  const shown = lines.map((line) => redaction.line(line));
  expect(shown).toEqual([
    "before",
    "[redacted]",
    "[redacted]",
    "[redacted]",
    "[redacted]",
    "behind",
  ]);
  // A key in one line has ended with it, and one without an end does not hide all that follows.
  expect(redaction.line(`all: ${key.join(" ")}.`)).not.toContain("MIIE");
  expect(redaction.line("behind")).toBe("behind");
  redaction.line("-----BEGIN PRIVATE KEY-----");
  const rest = Array.from({ length: 300 }, (_, index) => redaction.line(`line ${index}`));
  expect(rest[200]).toBe("[redacted]");
  expect(rest.at(-1)).toBe("line 299");
});
