import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Provider } from "../../src/config/types.js";
import { entraToken } from "../../src/models/azureSignIn.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { loadBeside } from "../../src/models/optionalPackage.js";
import { TestTurn } from "../helpers/agentTurn.js";
import { RawProvider } from "../helpers/rawProvider.js";
import { answerOf, wireFormats } from "../helpers/wireFormats.js";

const info = {
  id: "my-deployment",
  provider: "acme",
  name: "Model",
  canReason: false,
  supportsImages: false,
};

let server: RawProvider;
let folder: string;
beforeEach(async () => {
  server = await RawProvider.start();
  folder = mkdtempSync(join(tmpdir(), "turnwire-azure-"));
  const format = wireFormats.find(({ type }) => type === "azure");
  if (format === undefined) throw new Error("no such format");
  server.usual = answerOf(format, { text: ["Done."] });
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  vi.unstubAllGlobals();
  await server.close();
});

async function run(change: Partial<Provider>) {
  const provider: Provider = {
    id: "acme",
    type: "azure",
    headers: {},
    models: [info],
    ...change,
  };
  return new TestTurn().runThroughPauses(await createLanguageModel(provider, info), {}, info);
}

/** Sends what goes to a cloud's own address to the loopback server, and tells where it went. */
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

describe("a resource of Azure", () => {
  it("is called at its own address, with its key, by the deployment's name", async () => {
    const addresses = redirectToLoopback();
    const azure = { resource: "my-resource", usesSignIn: true };
    expect(await run({ apiKey: "key-0123456789", azure })).toMatchObject({ text: "Done." });
    expect(addresses).toEqual([
      "https://my-resource.openai.azure.com/openai/v1/responses?api-version=v1",
    ]);
    const [request] = server.requests;
    expect(request?.headers["api-key"]).toBe("key-0123456789");
    expect(JSON.parse(request?.body ?? "")).toMatchObject({ model: "my-deployment", store: false });
  });

  it("is called with a token of Entra ID where there is no key", async () => {
    redirectToLoopback();
    const azure = { resource: "r", usesSignIn: true, token: "token-0123456789" };
    expect(await run({ azure, apiKeyVariable: undefined as never })).toMatchObject({
      text: "Done.",
    });
    const [request] = server.requests;
    expect(request?.headers.authorization).toBe("Bearer token-0123456789");
    expect(request?.headers["api-key"]).toBeUndefined();
  });

  it("without key and token names the package that signs in", async () => {
    const outcome = await run({ azure: { resource: "r", usesSignIn: true } });
    expect(outcome).toMatchObject({ status: "failed", errorName: "ProviderAuth" });
    expect(outcome.error).toContain("npm install @azure/identity");
  });

  it("sends no token to an address that is not Azure's, and takes one from the headers", async () => {
    const azure = { usesSignIn: false, token: "token-0123456789" };
    const baseUrl = `${server.origin}/openai/v1`;
    await run({ azure, baseUrl });
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
    await run({ azure, baseUrl, headers: { Authorization: "Bearer told-0123456789" } });
    expect(server.requests[1]?.headers.authorization).toBe("Bearer told-0123456789");
    expect(server.requests[1]?.headers["api-key"]).toBeUndefined();
  });

  it("without an address says how to give one", async () => {
    const outcome = await run({ apiKey: "key-0123456789", azure: { usesSignIn: true } });
    expect(outcome).toMatchObject({ status: "failed", errorName: "ProviderError" });
    expect(outcome.error).toMatch(/AZURE_RESOURCE_NAME/);
  });
});

describe("the sign-in to Entra ID", () => {
  it("is that of the package that the user has installed beside", async () => {
    const place = join(folder, "node_modules/@azure/identity");
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, "package.json"), '{"main": "index.cjs"}');
    writeFileSync(
      join(place, "index.cjs"),
      `exports.DefaultAzureCredential = class {
        async getToken(scope) { return { token: "for " + scope }; }
      };`,
    );
    const from = pathToFileURL(join(folder, "node_modules/turnwire/dist/x.js")).href;
    const token = await entraToken((name, purpose) => loadBeside(name, purpose, from));
    expect(token).toBe("for https://cognitiveservices.azure.com/.default");
  });
});
