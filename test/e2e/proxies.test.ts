// Proxies of the environment, as the built server uses them.
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { certificateFile, startTlsDoor } from "../helpers/certificates.js";
import { reply } from "../helpers/loopbackProvider.js";
import { LoopbackProxy, type ProxyOptions } from "../helpers/loopbackProxy.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, makeFolder } from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

async function startProxy(options?: ProxyOptions): Promise<LoopbackProxy> {
  const proxy = await LoopbackProxy.start(options);
  onTestFinished(() => proxy.close());
  return proxy;
}

async function start(env: Record<string, string>, config: object = {}) {
  const loopback = await startLoopbackServer({ env, config });
  onTestFinished(() => loopback.provider.close());
  return loopback;
}

/** A page server; what it was asked for, and by what name. */
async function startPages() {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.headers.host}${request.url}`);
    if (request.url === "/away") return void response.writeHead(302, { location: "/page" }).end();
    response.setHeader("content-type", "text/plain");
    response.end("The page.");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { asked, port: (server.address() as AddressInfo).port };
}

async function lastResult(session: WireSession): Promise<string> {
  const parts = (await session.messages()).flatMap((message) => message.parts);
  return parts.findLast((part) => part.type === "toolResult")?.output ?? "";
}

describe("a provider", () => {
  it.each([
    ["HTTP_PROXY", {}],
    ["all_proxy", {}],
  ])("behind http:// is reached through a tunnel of %s", async (name, options) => {
    const proxy = await startProxy(options);
    const { provider, server } = await start({ [name]: proxy.url });
    const session = await openSession(server);
    provider.enqueue(reply().text("Through."));
    expect(await session.run("Hello", "run-1")).toMatchObject({ text: "Through." });
    expect(proxy.tunnels).toEqual([`127.0.0.1:${provider.port}`]);
    expect(proxy.passedOn).toEqual([]);
  });

  it.each([
    ["refuses tunnels to it", { tunnelStatus: 403 }],
    ["knows no tunnels", { tunnelStatus: 405 }],
    ["ends the connection at a request for one", { tunnelStatus: 0 }],
  ])("behind http:// is reached through a proxy that %s", async (_, options) => {
    const proxy = await startProxy(options);
    const { provider, server } = await start({ HTTP_PROXY: proxy.url });
    const session = await openSession(server);
    provider.enqueue(reply().text("Through."), reply().text("Again."));
    expect(await session.run("Hello", "run-1")).toMatchObject({ text: "Through." });
    expect(await session.run("Hello", "run-2")).toMatchObject({ text: "Again." });
    // Found out once.
    expect(proxy.tunnels).toHaveLength(1);
    expect(proxy.passedOn).toEqual(Array(2).fill(`${provider.baseUrl}/chat/completions`));
  });

  it.each([
    ["an http", false],
    ["an https", true],
  ])("behind https:// is reached through %s proxy, by its name", async (_, isSecure) => {
    const { provider, configFile, server: unused } = await start({});
    await unused.close();
    const door = await startTlsDoor(provider.port);
    onTestFinished(() => door.close());
    const places = { "models.example:443": door.port };
    const proxy = await startProxy({ places, isSecure, auth: "me:pass-word" });
    const { server } = await start({
      TURNWIRE_CONFIG: configFile,
      HTTPS_PROXY: proxy.url.replace("//", "//me:pass-word@"),
      NODE_EXTRA_CA_CERTS: certificateFile,
    });
    const config = JSON.stringify(provider.config());
    writeFileSync(configFile, config.replace(provider.baseUrl, "https://models.example/v1"));
    const session = await openSession(server);
    provider.enqueue(reply().text("Through."));
    expect(await session.run("Hello", "run-1")).toMatchObject({ text: "Through." });
    expect(proxy.tunnels).toEqual(["models.example:443"]);
    expect(provider.requests[0]?.headers).not.toHaveProperty("proxy-authorization");
  });

  it("is reached directly where NO_PROXY names it", async () => {
    const proxy = await startProxy();
    const { provider, server } = await start({
      HTTP_PROXY: proxy.url,
      NO_PROXY: "models.example, 127.0.0.0/8",
    });
    const session = await openSession(server);
    provider.enqueue(reply().text("Direct."));
    expect(await session.run("Hello", "run-1")).toMatchObject({ text: "Direct." });
    expect([...proxy.tunnels, ...proxy.passedOn]).toEqual([]);
  });

  it("is reached through the proxy of a workspace's environment", async () => {
    const proxy = await startProxy();
    const { provider, server } = await start({});
    const session = await openSession(server, { env: { HTTP_PROXY: proxy.url } });
    const other = await openSession(server);
    provider.enqueue(reply().text("Through."), reply().text("Direct."));
    expect(await session.run("Hello", "run-1")).toMatchObject({ text: "Through." });
    expect(await other.run("Hello", "run-2")).toMatchObject({ text: "Direct." });
    expect(proxy.tunnels).toHaveLength(1);
  });
});

describe("a proxy that is of no use", () => {
  async function failure(value: string, name = "HTTP_PROXY") {
    const { server } = await start({ [name]: value });
    const session = await openSession(server);
    const { status, errorName, error = "" } = await session.run("Hello", "run-1");
    expect({ status, errorName }).toEqual({ status: "failed", errorName: "ProviderUnreachable" });
    for (const text of [error, server.stderr]) {
      expect(text).not.toContain("pass-word");
      expect(text).not.toContain(Buffer.from("me:pass-word").toString("base64"));
    }
    return error;
  }

  it.each([
    ["in a tunnel", {}],
    ["without one", { tunnelStatus: 405 }],
  ])("because it wants another password, %s, is told so at once", async (_, options) => {
    const proxy = await startProxy({ auth: "me:another", ...options });
    const error = await failure(proxy.url.replace("//", "//me:pass-word@"));
    expect(error).toContain(`the proxy ${proxy.host} (HTTP_PROXY) wants another user name`);
    expect(error).not.toContain("Tried");
  });

  it("because nobody is there is told after some tries", async () => {
    const proxy = await LoopbackProxy.start();
    await proxy.close();
    const error = await failure(proxy.url.replace("//", "//me:pass-word@"));
    expect(error).toContain(
      `the proxy ${proxy.host} (HTTP_PROXY) could not be reached (ECONNREFUSED)`,
    );
    expect(error).toContain("Tried 3 times");
  });

  it("because it is no proxy's address is told with the variable's name", async () => {
    expect(await failure("http://me:pass-word@:x", "http_proxy")).toContain(
      "the variable http_proxy is not the address of a proxy",
    );
    expect(await failure("socks5://me:pass-word@127.0.0.1:1080", "ALL_PROXY")).toContain(
      "the variable ALL_PROXY names a proxy of the kind socks5",
    );
  });
});

describe("the tool fetch", () => {
  let session: WireSession;
  async function open(env: Record<string, string>, allow: string[]) {
    const loopback = await start({ NO_PROXY: "127.0.0.1", ...env }, { permissions: { allow } });
    session = await openSession(loopback.server);
    return loopback;
  }
  async function fetched(provider: Awaited<ReturnType<typeof open>>["provider"], url: string) {
    provider.enqueue(reply().toolCall("fetch", { url }), reply().text("Done."));
    await session.run("Fetch.", `run-${url}`);
    return lastResult(session);
  }
  let pages: Awaited<ReturnType<typeof startPages>>;
  beforeEach(async () => {
    pages = await startPages();
  });

  it("has the proxy connect to the checked address, and asks the host by its name", async () => {
    const door = await startTlsDoor(pages.port);
    onTestFinished(() => door.close());
    const places = { "198.41.0.4:80": pages.port, "198.41.0.4:443": door.port };
    const proxy = await startProxy({ places });
    const env = { ALL_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: certificateFile };
    const { provider } = await open(env, []);
    expect(await fetched(provider, "http://198.41.0.4/away")).toBe(
      "The page.\n[Redirected to http://198.41.0.4/page]",
    );
    // The certificate is for other names.
    expect(await fetched(provider, "https://198.41.0.4/page")).toMatch(/certificate|altname/i);
    expect(proxy.tunnels).toEqual(["198.41.0.4:80", "198.41.0.4:80", "198.41.0.4:443"]);
  });

  it("reaches nothing private through it, unless a rule names it", async () => {
    const proxy = await startProxy();
    const local = `http://localhost:${pages.port}`;
    const { provider } = await open({ HTTP_PROXY: proxy.url }, [`fetch:${local}/*`]);
    for (const host of [
      "10.0.0.1",
      "169.254.169.254",
      "[::1]",
      "box.internal",
      "other.localhost",
    ]) {
      expect(await fetched(provider, `http://${host}/`)).toContain("of a private network");
    }
    expect(proxy.tunnels).toEqual([]);
    expect(await fetched(provider, `${local}/page`)).toBe("The page.");
    expect(proxy.tunnels).toEqual([`localhost:${pages.port}`]);
  });

  it("asks for a name that is not known here only where a rule names it", async () => {
    const places = { "pages.example:80": pages.port, "other.example:80": pages.port };
    const proxy = await startProxy({ places });
    const { provider } = await open({ HTTP_PROXY: proxy.url }, ["fetch:http://pages.example/*"]);
    expect(await fetched(provider, "http://pages.example/page")).toBe("The page.");
    expect(pages.asked).toEqual(["pages.example/page"]);
    const refused = await fetched(provider, "http://other.example/page");
    expect(refused).toContain("other.example cannot be resolved");
    expect(refused).toContain('the rule "fetch:http://other.example/*"');
    expect(proxy.tunnels).toEqual(["pages.example:80"]);
  });

  it("says what is wrong with the proxy", async () => {
    const proxy = await startProxy({ auth: "me:another" });
    const url = proxy.url.replace("//", "//me:pass-word@");
    const { provider, server } = await open({ HTTP_PROXY: url }, []);
    const said = await fetched(provider, "http://198.41.0.4/");
    expect(said).toContain(`the proxy ${proxy.host} (HTTP_PROXY) wants another user name`);
    for (const text of [said, server.stderr]) expect(text).not.toContain("pass-word");
  });
});

describe("the sign-in to a cloud", () => {
  /** Answers whatever is asked for, in TLS, and notes it. */
  async function startCloud(answer: { type: string; body: string }) {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.headers.host}`);
      request.resume();
      response.setHeader("content-type", answer.type).end(answer.body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const door = await startTlsDoor((server.address() as AddressInfo).port);
    onTestFinished(async () => {
      await door.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    return { asked, port: door.port };
  }

  /** Runs a prompt on a model of the cloud, which is this machine; the header that says who asks. */
  async function authorizationOf(
    provider: object,
    model: string,
    env: Record<string, string>,
  ): Promise<string> {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization ?? "");
      response.writeHead(400).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const chosen = { provider: "cloud", model };
    const config = {
      providers: { cloud: { ...provider, baseUrl, models: [{ id: model }] } },
      models: { large: chosen, small: chosen },
    };
    const loopback = await start(
      { NO_PROXY: "127.0.0.1", NODE_EXTRA_CA_CERTS: certificateFile, ...env },
      config,
    );
    const completion = await (await openSession(loopback.server)).run("Hello", "run-1");
    return seen[0] ?? completion.error ?? "";
  }

  it("of AWS goes through the proxy", async () => {
    const cloud = await startCloud({
      type: "text/xml",
      body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
        <AssumedRoleUser><AssumedRoleId>a:b</AssumedRoleId><Arn>arn:aws:sts::1:role</Arn></AssumedRoleUser>
        <Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
        <SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
        </AssumeRoleResult></AssumeRoleResponse>`,
    });
    const proxy = await startProxy({ places: { "sts.us-east-1.amazonaws.com:443": cloud.port } });
    const folder = makeFolder();
    const AWS_CONFIG_FILE = join(folder, "config");
    const AWS_SHARED_CREDENTIALS_FILE = join(folder, "credentials");
    writeFileSync(
      AWS_CONFIG_FILE,
      "[profile work]\nrole_arn = arn:aws:iam::1:role/work\nsource_profile = base\nregion = us-east-1\n",
    );
    writeFileSync(
      AWS_SHARED_CREDENTIALS_FILE,
      "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = secret\n",
    );
    const env = { AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, HTTPS_PROXY: proxy.url };
    const provider = { type: "bedrock", profile: "work", region: "us-east-1" };
    const authorization = await authorizationOf(provider, "amazon.nova-pro-v1:0", env);
    expect(authorization).toContain("Credential=ASIAROLE/");
    expect(cloud.asked).toEqual(["POST sts.us-east-1.amazonaws.com"]);
  });

  it("of Google goes through the proxy, also where ALL_PROXY alone names one", async () => {
    const body = JSON.stringify({
      access_token: "token-1",
      expires_in: 3600,
      token_type: "Bearer",
    });
    const cloud = await startCloud({ type: "application/json", body });
    const proxy = await startProxy({ places: { "oauth2.googleapis.com:443": cloud.port } });
    const credentialsFile = join(makeFolder(), "account.json");
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const account = {
      type: "service_account",
      project_id: "a-project",
      private_key_id: "k",
      private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
      client_email: "me@a-project.iam.gserviceaccount.com",
      client_id: "1",
      token_uri: "https://oauth2.googleapis.com/token",
    };
    writeFileSync(credentialsFile, JSON.stringify(account));
    const provider = { type: "vertex", credentialsFile };
    const env = { ALL_PROXY: proxy.url };
    expect(await authorizationOf(provider, "gemini-3.8-flash", env)).toBe("Bearer token-1");
    expect(cloud.asked).toEqual(["POST oauth2.googleapis.com"]);
  });
});

describe("a tool server behind a URL", () => {
  it("is reached through the proxy", async () => {
    const proxy = await startProxy({ tunnelStatus: 403 });
    const { provider, server } = await start(
      { HTTPS_PROXY: proxy.url },
      { mcpServers: { docs: { url: "https://tools.example/mcp" } } },
    );
    const session = await openSession(server);
    provider.enqueue(reply().toolCall("mcp__docs__look", {}), reply().text("Done."));
    await session.run("Look.", "run-1");
    expect(proxy.tunnels).toContain("tools.example:443");
    expect(server.stderr).toContain(`the proxy ${proxy.host} (HTTPS_PROXY) refused to connect`);
  });
});
