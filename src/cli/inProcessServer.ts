// A server in this very process, and a client of it: `turnwire worker` dies with its turns, and its turns
// with it.
import { PassThrough } from "node:stream";
import type { Clock } from "../base/clock.js";
import { Closing } from "../base/closing.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { ResolvePath } from "../base/startFolder.js";
import { TurnwireClient } from "../client/TurnwireClient.js";
import { composeServer } from "../compose.js";
import { lazyEngine } from "../engine/lazyEngine.js";
import { ProcessHost } from "../process/processHost.js";
import type { RelaySource } from "../relayStart.js";
import type { OwnProcess } from "../storage/knownServers.js";
import { openChannel } from "../transport/channel.js";

/** The longest message between the two, in bytes. */
const maxMessageBytes = 64 * 1024 * 1024;

/** What the server needs. */
export interface InProcessOptions {
  readonly dataDirectory: string;
  readonly clientId: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly ownProcess: OwnProcess;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly resolvePath: ResolvePath;
  readonly relays: RelaySource;
}

/** The client, and how both are ended. */
export interface InProcessServer {
  readonly client: TurnwireClient;
  close(): Promise<void>;
}

/**
 * Starts both.
 *
 * @throws DomainError `StorageFailed` if the data directory cannot be used.
 */
export async function startInProcess(options: InProcessOptions): Promise<InProcessServer> {
  const { dataDirectory, clientId, env, clock, ids, log, ownProcess } = options;
  const closing = new Closing();
  const host = new ProcessHost({ clock, ids, log });
  const { version } = ownProcess;
  const engineOptions = { env, clock, ids, log, host, dataDirectory, version };
  const server = composeServer({
    ...options,
    description: { name: "turnwire", version, maxMessageBytes },
    lingerMs: 0,
    createEngine: (workspace) => lazyEngine(workspace, engineOptions),
  });
  closing.add(() => host.close());
  closing.add(() => server.close());
  const [toServer, toClient] = [new PassThrough(), new PassThrough()];
  const channel = openChannel({
    input: toServer,
    output: toClient,
    framing: "ndjson",
    log,
    maxMessageBytes,
  });
  const connection = server.connect(channel, { watchParent() {} });
  closing.add(() => {
    connection.close();
    channel.dispose();
  });
  try {
    const client = await TurnwireClient.attach({
      clientId,
      streams: { input: toClient, output: toServer },
      requestPermission: false,
      requestInput: false,
      clientInfo: { name: "turnwire worker" },
      clock,
      log,
    });
    closing.add(() => server.end("shutdown"));
    return { client, close: () => closing.close() };
  } catch (error) {
    await closing.close();
    throw error;
  }
}
