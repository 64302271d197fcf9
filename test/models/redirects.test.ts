// A provider that redirects elsewhere: its key, the configured headers and the conversation stay.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Provider } from "../../src/config/types.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { TestTurn } from "../helpers/agentTurn.js";
import { RawProvider } from "../helpers/rawProvider.js";
import { answerOf, wireFormats } from "../helpers/wireFormats.js";

const info = {
  id: "model-1",
  provider: "acme",
  name: "Model",
  canReason: false,
  supportsImages: false,
};

let server: RawProvider;
let other: RawProvider;
let turn: TestTurn;
beforeEach(async () => {
  [server, other] = await Promise.all([RawProvider.start(), RawProvider.start()]);
  turn = new TestTurn();
});
afterEach(() => Promise.all([server.close(), other.close()]));

describe.each(wireFormats)("a provider of type $type", (format) => {
  async function run() {
    const provider: Provider = {
      id: "acme",
      type: format.type,
      apiKey: "key-0123456789",
      apiKeyVariable: "ACME_KEY",
      headers: { "x-team": "secret-team" },
      models: [info],
      baseUrl: `${server.origin}${format.path}`,
      ...format.account,
    };
    return turn.runThroughPauses(await createLanguageModel(provider, info), {}, info);
  }
  const redirect = (status: number, location: string) => ({
    status,
    headers: { location },
    body: "",
  });

  it.each([301, 302, 303, 307, 308])(
    "sends nothing after a %i to another origin",
    async (status) => {
      other.usual = answerOf(format, { text: ["stolen"] });
      server.usual = redirect(status, `${other.origin}/v1/elsewhere?x=1`);
      const outcome = await run();
      expect(outcome).toMatchObject({ status: "failed", errorName: "ProviderError" });
      expect(outcome.error).toContain(server.origin);
      expect(outcome.error).toContain(other.origin);
      expect(outcome.error).not.toContain("key-0123456789");
      expect(other.requests).toEqual([]);
      expect(server.requests).toHaveLength(1);
    },
  );

  it("sends nothing after a step within the origin and one out of it", async () => {
    server.enqueue(redirect(307, "/v2/here"), redirect(308, `${other.origin}/there`));
    expect(await run()).toMatchObject({ status: "failed" });
    expect(server.requests).toHaveLength(2);
    expect(other.requests).toEqual([]);
  });

  it.each([
    (origin: string) => origin.replace("127.0.0.1", "localhost"),
    (origin: string) => origin.replace("http:", "https:"),
    (origin: string) => origin.replace("http://", "http://user:word@"),
    (origin: string) => origin.replace("http://", "http://127.0.0.1@example.invalid/"),
    (origin: string) => origin.replace("http://", "//example.invalid:"),
    () => "file:///etc/passwd",
    () => "data:,x",
    () => "http://",
  ])("takes another scheme, host or user for another origin: %#", async (change) => {
    server.usual = redirect(307, change(server.origin));
    expect(await run()).toMatchObject({ status: "failed", errorName: "ProviderError" });
    expect(server.requests).toHaveLength(1);
  });

  it.each([307, 308])("follows a %i within the origin with all that was sent", async (status) => {
    server.enqueue(redirect(status, `${format.path}/moved`), answerOf(format, { text: ["hello"] }));
    expect(await run()).toMatchObject({ status: "succeeded", text: "hello" });
    const [first, second] = server.requests;
    expect(second?.path).toBe(`${format.path}/moved`);
    expect(second?.body).toBe(first?.body);
    expect(second?.headers["x-team"]).toBe("secret-team");
  });

  it("gives up a circle", async () => {
    server.usual = redirect(307, "/v1/again");
    const { error } = await run();
    expect(error).toContain("more than 5 times");
    expect(server.requests).toHaveLength(6);
  });
});
