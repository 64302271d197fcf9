// Tool servers behind a login (protocol.md section 10, Logins), in both eras of the protocol.
import { spawn } from "node:child_process";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { logIn } from "../../src/mcp/login.js";
import { Logins } from "../../src/mcp/logins.js";
import { AuthorizedServer } from "../helpers/authorizedServer.js";
import { until } from "../tools/workbench.js";
import { eras, openWorkshop, serverScript, type Workshop } from "./workshop.js";

async function upstream(era: string): Promise<string> {
  const child = spawn(process.execPath, [serverScript, "--http", era], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  await until(() => lines.length > 0);
  return `http://127.0.0.1:${lines[0]}/mcp`;
}

async function start(era?: string) {
  const server = await AuthorizedServer.start(era && (await upstream(era)));
  onTestFinished(() => server.close());
  return server;
}

/** Logs in, with a browser that does what it is told. */
async function logInto(
  server: AuthorizedServer,
  loginsFile: string,
  browse: (address: string) => Promise<unknown> = (address) => fetch(address),
  headers: Record<string, string> = {},
) {
  const ending = new AbortController();
  return logIn({
    url: server.url,
    headers,
    logins: new Logins(loginsFile),
    signal: ending.signal,
    show: (address) => void browse(address),
  });
}

const needed = (login: string) =>
  `The tool server "web" does not run: it needs a login: run \`turnwire mcp login ${login}\`.`;

function tokensIn(file: string): { access: string; refresh: string } {
  const [login] = Object.values(JSON.parse(readFileSync(file, "utf8")).logins) as [
    { tokens: { access_token: string; refresh_token: string } },
  ];
  return { access: login.tokens.access_token, refresh: login.tokens.refresh_token };
}

/** Nothing that is logged has a token in it. */
function expectNoSecret(workshop: Workshop, ...secrets: string[]): void {
  const log = JSON.stringify([workshop.log, workshop.servers.warningsFor()]);
  for (const secret of secrets) expect(log).not.toContain(secret);
}

describe.each(eras)("a server of the era %s behind a login", (era) => {
  test("says which command it needs, and is used as soon as somebody has logged in", async () => {
    const server = await start(era);
    const workshop = await openWorkshop();
    const servers = { web: { url: server.url, headers: {} } };
    workshop.configure(servers);
    expect(await workshop.names()).toEqual([]);
    expect(workshop.servers.warningsFor()).toEqual([needed("web")]);
    await logInto(server, workshop.loginsFile);
    workshop.configure(servers);
    expect((await workshop.call("mcp__web__echo", { text: "hello" })).output).toBe("hello");
    const { access, refresh } = tokensIn(workshop.loginsFile);
    expectNoSecret(workshop, access, refresh);
  });

  test("has its token refreshed when that has run out, while it is used and at a start", async () => {
    const server = await start(era);
    const workshop = await openWorkshop();
    await logInto(server, workshop.loginsFile);
    const first = tokensIn(workshop.loginsFile);
    workshop.configure({ web: { url: server.url, headers: {} } });
    await workshop.names();
    server.expire();
    expect((await workshop.call("mcp__web__echo", { text: "on" })).output).toBe("on");
    expect(server.refreshes).toBe(1);
    expect(tokensIn(workshop.loginsFile)).not.toEqual(first);
    // It would refresh its token too, as soon as its stream of changes asks again.
    await workshop.servers.dispose();
    server.expire();
    const next = await openWorkshop();
    writeFileSync(`${next.workspace}/x`, "");
    const later = new Logins(workshop.loginsFile);
    const login = later.read(server.url);
    const own = new Logins(next.loginsFile);
    await own.exclusively(() => own.write(server.url, login));
    next.configure({ web: { url: server.url, headers: {} } });
    expect((await next.call("mcp__web__echo", { text: "again" })).output).toBe("again");
    expect(server.refreshes).toBe(2);
  });

  test("that takes the login no more is told as such, and to the model too", async () => {
    const server = await start(era);
    const workshop = await openWorkshop();
    await logInto(server, workshop.loginsFile);
    const { access, refresh } = tokensIn(workshop.loginsFile);
    const servers = { web: { url: server.url, headers: {} } };
    workshop.configure(servers);
    await workshop.names();
    server.revoke();
    const { output, isError } = await workshop.call("mcp__web__echo", { text: "on" });
    expect({ output, isError }).toEqual({
      output: expect.stringContaining("run `turnwire mcp login web`"),
      isError: true,
    });
    workshop.configure(servers);
    await workshop.names();
    expect(workshop.servers.warningsFor()).toEqual([needed("web")]);
    expectNoSecret(workshop, access, refresh);
    expect(readFileSync(workshop.loginsFile, "utf8")).not.toContain(access);
  });
});

describe("a login", () => {
  test("is refreshed once, however many use it", async () => {
    const server = await start("--old");
    const workshop = await openWorkshop();
    await logInto(server, workshop.loginsFile);
    const { url } = server;
    workshop.configure({ web: { url, headers: {} }, net: { url, headers: { "x-a": "b" } } });
    await workshop.names();
    const gate = new Deferred<void>();
    server.refreshGate = gate.promise;
    server.expire();
    const calls = ["web", "net", "web", "net"].map((name) =>
      workshop.call(`mcp__${name}__echo`, { text: "on" }),
    );
    await until(() => server.refreshes > 0);
    gate.resolve();
    for (const call of calls) expect((await call).output).toBe("on");
    expect(server.refreshes).toBe(1);
  });

  test("is for one address: another one of the same name gets nothing of it", async () => {
    const [server, other] = [await start("--old"), await start("--old")];
    const workshop = await openWorkshop();
    await logInto(server, workshop.loginsFile);
    workshop.configure({ web: { url: other.url, headers: {} } });
    expect(await workshop.names()).toEqual([]);
    workshop.configure({ web: { url: `${server.url}?other`, headers: {} } });
    expect(await workshop.names()).toEqual([]);
    const all = [...other.seen, ...server.seen.slice(-3)];
    for (const { path, headers, body } of all) {
      if (path !== "/mcp") continue;
      expect(headers.authorization).toBeUndefined();
      expect(body).not.toContain(tokensIn(workshop.loginsFile).refresh);
    }
    expect(other.requests("/register")).toEqual([]);
  });

  test("is told to no other authorization server, whichever the tool server names later", async () => {
    const [server, thief] = [await start("--old"), await start()];
    const workshop = await openWorkshop();
    await logInto(server, workshop.loginsFile);
    const { access, refresh } = tokensIn(workshop.loginsFile);
    server.issuer = thief.origin;
    server.expire();
    workshop.configure({ web: { url: server.url, headers: {} } });
    expect(await workshop.names()).toEqual([]);
    expect(workshop.servers.warningsFor()).toEqual([needed("web")]);
    expect(thief.seen.map(({ method }) => method)).not.toContain("POST");
    expect(JSON.stringify(thief.seen)).not.toContain(access);
    expect(JSON.stringify(thief.seen)).not.toContain(refresh);
  });

  test("takes no configured header to the authorization server", async () => {
    const [server, authorization] = [await start("--old"), await start()];
    const workshop = await openWorkshop();
    server.issuer = authorization.origin;
    const headers = { "X-Api-Key": "key-of-the-user" };
    await expect(logInto(server, workshop.loginsFile, undefined, headers)).resolves.toBe(true);
    expect(JSON.stringify(authorization.seen)).not.toContain("key-of-the-user");
    expect(server.seen[0]?.headers["x-api-key"]).toBe("key-of-the-user");
  });

  test("gives way to an Authorization header of the configuration", async () => {
    const server = await start("--old");
    const workshop = await openWorkshop();
    await logInto(server, workshop.loginsFile);
    const before = server.seen.length;
    const headers = { authorization: "Bearer of-the-user" };
    workshop.configure({ web: { url: server.url, headers } });
    expect(await workshop.names()).toEqual([]);
    const sent = server.seen.slice(before).map((request) => request.headers.authorization);
    expect(new Set(sent)).toEqual(new Set(["Bearer of-the-user"]));
  });

  test("lies in a file that is the user's alone, beside those of other servers", async () => {
    const [server, other] = [await start(), await start()];
    const workshop = await openWorkshop();
    await logInto(server, workshop.loginsFile);
    chmodSync(workshop.loginsFile, 0o644);
    await logInto(other, workshop.loginsFile);
    expect(statSync(workshop.loginsFile).mode & 0o777).toBe(0o600);
    const logins = new Logins(workshop.loginsFile);
    expect([...logins.list().keys()].sort()).toEqual([server.url, other.url].sort());
    await logins.exclusively(() => logins.write(server.url, undefined));
    expect([...logins.list().keys()]).toEqual([other.url]);
    expect(existsSync(`${workshop.loginsFile}.lock`)).toBe(false);
  });

  test.each(["not JSON", "null", '{"logins":[1]}', '{"logins":{"http://127.0.0.1/":{"id":"x"}}}'])(
    "counts as none where its file says %s",
    async (text) => {
      const workshop = await openWorkshop();
      const server = await start();
      await logInto(server, workshop.loginsFile);
      writeFileSync(workshop.loginsFile, text);
      expect([...new Logins(workshop.loginsFile).list()]).toEqual([]);
      await logInto(server, workshop.loginsFile);
      expect([...new Logins(workshop.loginsFile).list().keys()]).toEqual([server.url]);
    },
  );
});

describe("the browser's way back", () => {
  test("counts only with the state of this login", async () => {
    const server = await start();
    const workshop = await openWorkshop();
    const statuses: number[] = [];
    await logInto(server, workshop.loginsFile, async (address) => {
      const back = new URL(new URL(address).searchParams.get("redirect_uri") ?? "");
      expect(back.hostname).toBe("127.0.0.1");
      for (const query of ["?code=stolen", "?code=stolen&state=guess", "/../?code=x"]) {
        statuses.push((await fetch(`${back.href}${query}`)).status);
      }
      statuses.push((await fetch(address)).status);
    });
    expect(statuses).toEqual([404, 404, 404, 200]);
    const form = new URLSearchParams(server.requests("/token").at(-1)?.body);
    expect(form.get("code_verifier")?.length).toBeGreaterThan(40);
  });

  test("with a refusal ends the login, and nothing is stored", async () => {
    const server = await start();
    server.refusal = "access_denied";
    const workshop = await openWorkshop();
    await expect(logInto(server, workshop.loginsFile)).rejects.toThrow(
      "the login was refused: access_denied",
    );
    expect(existsSync(workshop.loginsFile)).toBe(false);
  });
});
