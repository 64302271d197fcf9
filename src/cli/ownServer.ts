/** A server that a command starts for itself and ends again. */
import { defined } from "../base/defined.js";
import { TurnwireClient } from "../client/TurnwireClient.js";

/** How a command's server is started. */
export interface OwnServer {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The program; `--data-dir` is added to its arguments. */
  readonly serverCommand: { readonly file: string; readonly args: readonly string[] };
  /** Aborting it gives up, and ends the server. */
  readonly signal?: AbortSignal;
}

/**
 * Starts a server, does `work` with it, and ends it. Rejects with the error of `TurnwireClient.spawn`,
 * or with the error of `work`.
 */
export async function withOwnServer<T>(
  { env, serverCommand, signal }: OwnServer,
  dataDir: string | undefined,
  work: (client: TurnwireClient) => Promise<T>,
): Promise<T> {
  const client = await TurnwireClient.spawn({
    command: serverCommand.file,
    args: serverCommand.args,
    env: withoutUnset(env),
    requestPermission: false,
    requestInput: false,
    clientInfo: { name: "turnwire" },
    ...defined({ dataDir, signal }),
  });
  // What waits for the server is then told that it is gone.
  const giveUp = () => void client.kill().catch(() => {});
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    return await work(client);
  } finally {
    signal?.removeEventListener("abort", giveUp);
    await client.close();
  }
}

/** An environment without the names that have no value. */
export function withoutUnset(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
