// `turnwire mcp`, as a person uses it: a login with a browser, then a turn that uses the server.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { launcher } from "../cli/runHarness.js";
import { AuthorizedServer } from "../helpers/authorizedServer.js";
import { reply } from "../helpers/loopbackProvider.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, makeFolder } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

const script = fileURLToPath(new URL("../helpers/mcpServer.mjs", import.meta.url));

async function authorized(era: string): Promise<AuthorizedServer> {
  const child = spawn(process.execPath, [script, "--http", era], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [port] = await once(createInterface(child.stdout), "line");
  const server = await AuthorizedServer.start(`http://127.0.0.1:${port}/mcp`);
  onTestFinished(() => server.close());
  return server;
}

async function start(era: string, config: (url: string) => object) {
  const authorization = await authorized(era);
  const home = makeFolder();
  const loopback = await startLoopbackServer({
    config: config(authorization.url),
    env: { HOME: home },
  });
  onTestFinished(() => loopback.provider.close());
  const env = { ...loopback.env, PATH: process.env.PATH ?? "" };
  return { ...loopback, authorization, home, env };
}

/** Runs `turnwire mcp …`; `browse` is the person's browser. */
async function turnwireMcp(
  args: readonly string[],
  env: Record<string, string>,
  browse: (address: string) => unknown = () => {},
) {
  const child = spawn(process.execPath, [launcher, "mcp", ...args], { env });
  const out: string[] = [];
  let err = "";
  createInterface(child.stdout).on("line", (line) => {
    out.push(line);
    browse(line);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const [code] = await once(child, "close");
  return { code, out, err };
}

const open = (address: string) => fetch(address);

describe.each(["--old", "--new"])("a tool server of the era %s that needs a login", (era) => {
  it("says so in the completion, and is used after `turnwire mcp login`", async () => {
    const given = await start(era, (url) => ({ mcpServers: { docs: { url } } }));
    const { server, provider, env, home } = given;
    const session = await openSession(server);
    expect((await session.run("Look.", "before")).warnings).toEqual([
      'The tool server "docs" does not run: it needs a login: run `turnwire mcp login docs`.',
    ]);
    const { code, out, err } = await turnwireMcp(["login", "docs", "--no-browser"], env, open);
    expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining("Logged in to") });
    expect(out).toEqual([expect.stringContaining("/authorize?")]);
    const folder = join(home, ".config", "turnwire");
    expect(readdirSync(folder)).toEqual(["mcp-logins.json"]);
    expect(statSync(join(folder, "mcp-logins.json")).mode & 0o777).toBe(0o600);
    provider.enqueue(reply().toolCall("mcp__docs__echo", { text: "hello" }), reply().text("Done."));
    const after = await session.run("Look.", "after");
    expect(after).toMatchObject({ status: "succeeded", text: "Done." });
    expect(after).not.toHaveProperty("warnings");
    const results = (await session.messages())
      .flatMap(({ parts }) => parts)
      .flatMap((part) => (part.type === "toolResult" ? [part.output] : []));
    expect(results).toEqual(["hello"]);
  });
});

describe("turnwire mcp", () => {
  it("lists servers with their logins, and forgets one", async () => {
    const { env, authorization } = await start("--old", (url) => ({
      mcpServers: { docs: { url }, local: { command: "a-program" } },
    }));
    const { url } = authorization;
    expect((await turnwireMcp(["list"], env)).out).toEqual([
      `docs  ${url}  no login`,
      "local  a-program",
    ]);
    // By its address, as a server of a session or of a workspace is told.
    await turnwireMcp(["login", url, "--no-browser"], env, open);
    expect((await turnwireMcp(["list"], env)).out[0]).toMatch(/^docs {2}http.*logged in on 20/);
    expect(await turnwireMcp(["logout", "docs"], env)).toMatchObject({ code: 0 });
    expect((await turnwireMcp(["list"], env)).out[0]).toBe(`docs  ${url}  no login`);
  });

  it("fails with a sentence where there is no such server, no login, or a refusal", async () => {
    const { env, authorization } = await start("--old", (url) => ({
      mcpServers: { docs: { url }, local: { command: "a-program" } },
    }));
    const unknown = await turnwireMcp(["login", "other"], env);
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining("it has docs") });
    expect(await turnwireMcp(["login", "local"], env)).toMatchObject({ code: 2 });
    expect(await turnwireMcp(["login"], env)).toMatchObject({ code: 2 });
    authorization.refusal = "access_denied";
    const refused = await turnwireMcp(["login", "docs", "--no-browser"], env, open);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("access_denied") });
    const nowhere = await turnwireMcp(["login", "http://127.0.0.1:9/mcp", "--no-browser"], env);
    expect(nowhere).toMatchObject({ code: 1, err: expect.stringMatching(/^turnwire: /) });
    const open80 = await turnwireMcp(["login", "http://example.test/mcp", "--no-browser"], env);
    expect(open80).toMatchObject({ code: 1, err: expect.stringContaining("https alone") });
  });
});

it("lets a workspace that is not trusted make no use of a login", async () => {
  const { server, env, authorization } = await start("--old", () => ({}));
  await turnwireMcp(["login", authorization.url, "--no-browser"], env, open);
  const before = authorization.seen.length;
  const path = makeFolder();
  const own = { mcpServers: { docs: { url: authorization.url } } };
  writeFileSync(join(path, "turnwire.json"), JSON.stringify(own));
  const session = await openSession(server, { path, trusted: false });
  await session.run("Look.", "r-1");
  await server.call("listCommands", { workspaceId: session.workspaceId });
  expect(authorization.seen.slice(before)).toEqual([]);
});
