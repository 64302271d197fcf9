/** `turnwire mcp`: the logins to the tool servers of the user's configuration (protocol.md section 10). */
import { spawn } from "node:child_process";
import { messageOf } from "../base/errors.js";
import { loadConfig } from "../config/load.js";
import { loginsPath } from "../config/paths.js";
import type { McpServer } from "../config/types.js";
import { Logins } from "../mcp/logins.js";
import { proxiesOf } from "../network/proxies.js";
import { exitCodes } from "./runOptions.js";
import { visibleLine } from "./visibleText.js";

/** What is asked for. */
export type McpCommandOptions =
  | { readonly action: "list" }
  | { readonly action: "logout"; readonly server: string }
  | { readonly action: "login"; readonly server: string; readonly browser: boolean };

/** What it is done with. */
export interface McpCommandIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Each takes one line, without its end. */
  writeOut(line: string): void;
  writeError(line: string): void;
  /** Calls back at every interrupt; call what is returned to stop. */
  onInterrupt(callback: () => void): () => void;
}

/** How long a person has for a login. */
const loginMs = 10 * 60_000;

/** Does it; resolves with the exit code. */
export async function mcpCommand(options: McpCommandOptions, io: McpCommandIo): Promise<number> {
  const logins = new Logins(loginsPath(io.env, io.platform));
  try {
    const { mcpServers } = await loadConfig({
      workspacePath: undefined,
      trusted: true,
      env: io.env,
    });
    if (options.action === "list") return list(mcpServers, logins, io);
    const server = httpServerOf(options.server, mcpServers);
    if (options.action === "logout") return await logOut(server.url, logins, io);
    return await logInTo(server, logins, options.browser, io);
  } catch (error) {
    io.writeError(`turnwire: ${visibleLine(messageOf(error))}`);
    return error instanceof UnknownServer ? exitCodes.usage : exitCodes.failed;
  }
}

/** A name that stands for no server with logins. */
class UnknownServer extends Error {}

type HttpServer = Extract<McpServer, { url: string }>;

/** The server of a name, or behind an address: those of workspaces and sessions are told by it. */
function httpServerOf(name: string, servers: Readonly<Record<string, McpServer>>): HttpServer {
  const server = Object.hasOwn(servers, name) ? servers[name] : undefined;
  if (server !== undefined && "url" in server) return server;
  if (server !== undefined) throw new UnknownServer(`"${name}" is a program, which has no login`);
  const isAddress = URL.canParse(name) && /^https?:$/.test(new URL(name).protocol);
  if (isAddress) {
    const known = Object.values(servers).find((one) => "url" in one && one.url === name);
    return known !== undefined && "url" in known ? known : { url: name, headers: {} };
  }
  const names = Object.keys(servers).filter((one) => servers[one] && "url" in servers[one]);
  const others = names.length === 0 ? "it has none over HTTP" : `it has ${names.join(", ")}`;
  throw new UnknownServer(
    `the user's configuration has no tool server "${name}" (${others}); name one, or give its URL`,
  );
}

function list(
  servers: Readonly<Record<string, McpServer>>,
  logins: Logins,
  { writeOut }: McpCommandIo,
): number {
  const rest = new Map(logins.list());
  for (const [name, server] of Object.entries(servers)) {
    if (!("url" in server)) {
      writeOut(`${name}  ${visibleLine(server.command)}`);
      continue;
    }
    const login = logins.read(server.url);
    for (const [address, one] of rest) if (one.id === login?.id) rest.delete(address);
    writeOut(`${name}  ${visibleLine(server.url)}  ${stateOf(login)}`);
  }
  for (const [address, login] of rest) {
    writeOut(`-  ${visibleLine(address)}  ${stateOf(login)}`);
  }
  return exitCodes.succeeded;
}

function stateOf(login: { readonly madeAt: number } | undefined): string {
  if (login === undefined) return "no login";
  return `logged in on ${new Date(login.madeAt).toISOString().slice(0, 10)}`;
}

async function logOut(
  url: string,
  logins: Logins,
  { writeOut }: Pick<McpCommandIo, "writeOut">,
): Promise<number> {
  if (logins.read(url) === undefined) {
    writeOut(`There was no login to ${visibleLine(url)}.`);
    return exitCodes.succeeded;
  }
  await logins.exclusively(() => logins.write(url, undefined));
  writeOut(`The login to ${visibleLine(url)} is forgotten.`);
  return exitCodes.succeeded;
}

async function logInTo(
  { url, headers }: HttpServer,
  logins: Logins,
  browser: boolean,
  io: McpCommandIo,
): Promise<number> {
  const { logIn } = await import("../mcp/login.js");
  const ending = new AbortController();
  const release = io.onInterrupt(() => ending.abort(new Error("the login was given up")));
  const timer = setTimeout(() => ending.abort(new Error("nobody logged in in time")), loginMs);
  const show = (address: string) => {
    io.writeError(`Log in to ${visibleLine(url)} with a browser on this machine:`);
    io.writeOut(address);
    if (browser) openBrowser(address, io.platform);
  };
  try {
    const isDone = await logIn({
      url,
      headers,
      logins,
      proxies: proxiesOf(io.env),
      signal: ending.signal,
      show,
    });
    if (isDone) io.writeError(`Logged in to ${visibleLine(url)}.`);
    else io.writeError(`${visibleLine(url)} answers without a login, and offers none.`);
    return exitCodes.succeeded;
  } finally {
    clearTimeout(timer);
    release();
  }
}

/** Opens a page; where that cannot be, the person has its address all the same. */
function openBrowser(address: string, platform: NodeJS.Platform): void {
  const [command, ...args] = openers[platform] ?? ["xdg-open"];
  if (command === undefined) return;
  const child = spawn(command, [...args, address], { stdio: "ignore", detached: true });
  child.on("error", () => {
    // There is no browser here.
  });
  child.unref();
}

const openers: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};
