/**
 * One connection to one server: typed requests out, notifications and questions in. It lives as
 * long as its streams; a {@link Connection} lives longer.
 *
 * Messages of the server are not checked against the schemas: a field that a newer server adds must
 * reach the caller.
 */
import type { Log } from "../base/log.js";
import {
  type FileRead,
  type FileReadAnswer,
  type FileWrite,
  type FileWriteAnswer,
  type InputAnswer,
  type InputRequest,
  type MethodName,
  methods,
  type NotificationName,
  type NotificationParams,
  notifications,
  type ParamsInput,
  type PermissionAnswer,
  type PermissionQuestion,
  type Result,
  serverMethods,
  type ToolCallAnswer,
  type ToolCallRequest,
} from "../protocol/registry.js";
import { type ChannelEnd, openChannel } from "../transport/channel.js";
import type { Framing } from "../transport/framing.js";
import type { ByteInput, ByteOutput } from "../transport/streams.js";
import { ConnectionLostError, fromWire } from "./errors.js";
import { answerRead, answerWrite, type OwnFiles } from "./files.js";
import { refuseOversized } from "./messageSize.js";

/** A notification of the server; its method tells which one. */
export type ServerNotification = {
  [N in NotificationName]: { readonly method: N; readonly params: NotificationParams<N> };
}[NotificationName];

/**
 * The streams to a server: `input` is what the server writes, `output` is what it reads. Any
 * `Readable` and `Writable` of Node will do.
 */
export interface Streams {
  readonly input: ByteInput;
  readonly output: ByteOutput;
}

export interface LinkOptions {
  readonly streams: Streams;
  readonly framing: Framing;
  readonly log: Log;
  /** The longest message that the server takes, in bytes; undefined while that is not known. */
  longestMessage(): number | undefined;
  onNotification(notification: ServerNotification): void;
  /** `signal` is aborted when the server withdraws its question. Must not reject. */
  onPermission(question: PermissionQuestion, signal: AbortSignal): Promise<PermissionAnswer>;
  /** As {@link LinkOptions.onPermission}. */
  onInput(request: InputRequest, signal: AbortSignal): Promise<InputAnswer>;
  /** As {@link LinkOptions.onPermission}. */
  onTool(call: ToolCallRequest, signal: AbortSignal): Promise<ToolCallAnswer>;
  /** Answers for the client's files, if it has an editor. */
  readonly files: OwnFiles | undefined;
}

export interface Link {
  /**
   * Sends a request. Rejects with a `TurnwireRpcError` if the server answers with an error, and
   * with a `ConnectionLostError` if no answer can come any more. An abort asks the server to cancel
   * the request; the promise still settles with what the server answers.
   */
  request<M extends MethodName>(
    method: M,
    params: ParamsInput<M>,
    signal?: AbortSignal,
  ): Promise<Result<M>>;
  /** Sends `exit`; does nothing if the streams are closed. */
  notifyExit(): Promise<void>;
  /** Settles once, when the other side is gone or the link was disposed; never rejects. */
  readonly closed: Promise<ChannelEnd>;
  dispose(): void;
}

/** Starts to listen on the streams. Nothing is sent before the first request. */
export function openLink({
  streams,
  framing,
  log,
  longestMessage,
  ...handlers
}: LinkOptions): Link {
  // A client must always read, even if the server does not; otherwise both could wait forever.
  const channel = openChannel({ ...streams, framing, log, maxUnsentBytes: Infinity });
  const { connection } = channel;
  let isClosed = false;
  const closed = channel.closed.then((end) => {
    isClosed = true;
    return end;
  });

  connection.onNotification((method: string, params: unknown) => {
    if (isNotificationName(method)) {
      handlers.onNotification({ method, params } as ServerNotification);
    }
  });
  connection.onRequest(
    serverMethods.requestPermission.name,
    (question: PermissionQuestion, token: CancellationToken) =>
      handlers.onPermission(question, signalOf(token)),
  );
  connection.onRequest(
    serverMethods.requestInput.name,
    (request: InputRequest, token: CancellationToken) => handlers.onInput(request, signalOf(token)),
  );
  connection.onRequest(
    serverMethods.callTool.name,
    (call: ToolCallRequest, token: CancellationToken) => handlers.onTool(call, signalOf(token)),
  );
  answerFiles(connection, handlers.files);
  connection.listen();

  return {
    closed,
    async request(method, params, signal) {
      signal?.throwIfAborted();
      const name = Object.hasOwn(methods, method) ? methods[method].name : method;
      refuseOversized(name, params, longestMessage());
      try {
        return signal === undefined
          ? await connection.sendRequest(name, params)
          : await connection.sendRequest(name, params, tokenOf(signal));
      } catch (error) {
        if (isConnectionFailure(error)) {
          throw new ConnectionLostError(`the connection ended before ${name} was answered`);
        }
        throw fromWire(error);
      }
    },
    async notifyExit() {
      if (!isClosed) await connection.sendNotification("exit", {});
    },
    dispose: () => channel.dispose(),
  };
}

/** Answers for the files of the client's editor. */
function answerFiles(
  connection: ReturnType<typeof openChannel>["connection"],
  files: OwnFiles | undefined,
): void {
  connection.onRequest<FileReadAnswer, unknown>(
    serverMethods.readFile.name,
    (request: FileRead, token: CancellationToken) => answerRead(files, request, signalOf(token)),
  );
  connection.onRequest<FileWriteAnswer, unknown>(
    serverMethods.writeFile.name,
    (request: FileWrite, token: CancellationToken) => answerWrite(files, request, signalOf(token)),
  );
}

/** The part of vscode-jsonrpc's token that is needed here. */
interface CancellationToken {
  readonly isCancellationRequested: boolean;
  onCancellationRequested(listener: () => void): { dispose(): void };
}

function tokenOf(given: AbortSignal): CancellationToken {
  // One signal may be given to many requests.
  const signal = AbortSignal.any([given]);
  return {
    get isCancellationRequested() {
      return signal.aborted;
    },
    onCancellationRequested(listener) {
      const onAbort = () => listener();
      signal.addEventListener("abort", onAbort, { once: true });
      return { dispose: () => signal.removeEventListener("abort", onAbort) };
    },
  };
}

function signalOf(token: CancellationToken): AbortSignal {
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort();
  else token.onCancellationRequested(() => controller.abort());
  return controller.signal;
}

function isNotificationName(method: string): method is NotificationName {
  return Object.hasOwn(notifications, method);
}

/** vscode-jsonrpc's codes for: closed, disposed, not written, no answer any more, not listening. */
const connectionFailures: readonly unknown[] = [1, 2, -32099, -32097, -32096];

function isConnectionFailure(error: unknown): boolean {
  return error instanceof Error && "code" in error && connectionFailures.includes(error.code);
}
