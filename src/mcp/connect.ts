// Connects to a tool server. This file is loaded when the first one is configured, because the
// package of the protocol is large.
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { secretsOf } from "../base/redact.js";
import type { McpServer } from "../config/types.js";
import { proxiesOf } from "../network/proxies.js";
import { Connection } from "./connection.js";
import { httpTransport } from "./httpTransport.js";
import { type Era, newVersion } from "./protocolClient.js";
import { SavedLogin } from "./savedLogin.js";
import type { ConnectionHooks, ServerConnection, ServerSurroundings } from "./serverConnection.js";
import { isUnclear, versionsOf } from "./serverFault.js";
import { ServerNotes } from "./serverNotes.js";
import { ServerProcess } from "./serverProcess.js";

/**
 * Connects to a server and lists its tools. If a server cannot be asked to which era it belongs, it
 * is tried once more as the other kind.
 *
 * @param signal ends the attempt; nothing of the server is left when this rejects.
 */
export async function connect(
  id: string,
  server: McpServer,
  surroundings: ServerSurroundings,
  hooks: ConnectionHooks,
  signal: AbortSignal,
): Promise<ServerConnection> {
  const secrets = secretsOf(undefined, "url" in server ? server.headers : server.env);
  const notes = new ServerNotes(id, secrets, surroundings.log);
  let era: Era | undefined = "unknown";
  for (;;) {
    const transport =
      "url" in server
        ? httpTransport(server.url, server.headers, {
            proxies: proxiesOf(surroundings.env),
            login: loginOf(server.url, surroundings, notes),
          })
        : serverProcess(server, surroundings, notes);
    const connection = new Connection(transport, era, notes, surroundings, hooks);
    try {
      await connection.open(signal);
      return connection;
    } catch (error) {
      const reason = signal.aborted ? messageOf(signal.reason) : connection.reasonOf(error);
      const hadEnded = connection.hasEnded;
      await connection.close();
      era = signal.aborted ? undefined : nextEra(era, error, hadEnded);
      if (era === undefined) throw new Error(reason, { cause: error });
      notes.trouble(`${reason}; it is tried as a server of the ${era} era`);
    }
  }
}

/** Undefined where the configuration says how the server is to know the user. */
function loginOf(
  url: string,
  { logins, loginName: name, env }: ServerSurroundings,
  notes: ServerNotes,
): SavedLogin | undefined {
  if (name === undefined) return undefined;
  return new SavedLogin({ url, name, proxies: proxiesOf(env) }, logins, (secret) =>
    notes.addSecret(secret),
  );
}

function serverProcess(
  { command, args, env: ownEnv }: Extract<McpServer, { command: string }>,
  { env, workspacePath, host, clock, confinement }: ServerSurroundings,
  notes: ServerNotes,
): ServerProcess {
  return new ServerProcess({
    command,
    args,
    env,
    ownEnv,
    workspacePath,
    host,
    notes,
    clock,
    ...defined({ confinement }),
  });
}

/** How to try a server next if it could not be asked; undefined if another try would not help. */
function nextEra(era: Era, error: unknown, hasEnded: boolean): Era | undefined {
  if (era !== "unknown") return undefined;
  if (versionsOf(error)?.includes(newVersion)) return "new";
  // Some old programs end when a question comes before the greeting.
  return hasEnded || isUnclear(error) ? "old" : undefined;
}
