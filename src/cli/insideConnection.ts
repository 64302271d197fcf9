// A connection to a server in the same process: messages are handed over as they are, without bytes.
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  createMessageConnection,
  type DataCallback,
  type Disposable,
  type Message,
} from "vscode-jsonrpc/node";
import { type FromServer, type PeerMessage, TurnwirePeer } from "../acp/index.js";
import type { Server } from "../compose.js";

/** Connects a client to `server`. */
export function connectInside(
  server: Pick<Server, "connect">,
  fromServer: FromServer,
): TurnwirePeer {
  const reader = new InsideReader();
  const written = new WeakMap<object, () => void>();
  const writer = new InsideWriter(async (message) => {
    await peer.deliver(message as PeerMessage);
    const { result } = message as { result?: unknown };
    if (typeof result === "object" && result !== null) written.get(result)?.();
  });
  const connection = createMessageConnection(reader, writer);
  const served = server.connect(
    {
      connection,
      afterWritten: (result, run) => void written.set(result, run),
      // The editor speaks another protocol, which has no such trace.
      tap: {},
    },
    { onShutdown() {}, watchParent() {} },
  );
  const peer = new TurnwirePeer(
    fromServer,
    // As with a pipe, nobody is answered before he has finished asking.
    (message) => queueMicrotask(() => reader.take(message as Message)),
    () => {
      served.leave();
      served.close();
      connection.dispose();
    },
  );
  return peer;
}

class InsideReader extends AbstractMessageReader {
  #callback: DataCallback | undefined;

  listen(callback: DataCallback): Disposable {
    this.#callback = callback;
    return {
      dispose: () => {
        this.#callback = undefined;
      },
    };
  }

  take(message: Message): void {
    this.#callback?.(message);
  }
}

class InsideWriter extends AbstractMessageWriter {
  readonly #deliver: (message: Message) => Promise<void>;

  constructor(deliver: (message: Message) => Promise<void>) {
    super();
    this.#deliver = deliver;
  }

  write(message: Message): Promise<void> {
    return this.#deliver(message);
  }

  end(): void {}
}
