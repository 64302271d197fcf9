import type { Socket } from "node:net";
import { TurnwireClient } from "../client/TurnwireClient.js";

/** A client of a daemon, over a socket of its own. Rejects as the socket does, or if it is refused. */
export async function connectClient(
  connect: () => Promise<Socket>,
  clientId: string,
): Promise<TurnwireClient> {
  const socket = await connect();
  return TurnwireClient.attach({
    streams: { input: socket, output: socket },
    clientId,
    clientInfo: { name: "turnwire" },
    requestPermission: false,
    requestInput: false,
  });
}
