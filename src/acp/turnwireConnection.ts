// The face's way to the server: the messages of Turnwire's own protocol, on a connection of one client.
import { errorTable } from "../base/errors.js";
import type {
  FileRead,
  FileReadAnswer,
  FileWrite,
  FileWriteAnswer,
  InputAnswer,
  InputRequest,
  MethodName,
  Params,
  PermissionAnswer,
  PermissionQuestion,
  Result,
  ServerNotification,
} from "../protocol/registry.js";

/** The editor holds another text than the one that was read. */
export class FileHasChanged extends Error {
  override readonly name = "FileHasChanged";
  readonly code = errorTable.FileChanged.code;

  constructor(path: string) {
    super(`${path} has changed in the editor`);
  }
}

/** What the server sends on a connection. */
export interface FromServer {
  /**
   * A notification. The server waits for the promise before it sends the next one, so a slow editor
   * holds back the events of its own sessions and nothing else.
   */
  notified(notification: ServerNotification): Promise<void>;
  /** A question about a permission; the signal tells that it was withdrawn. */
  permissionAsked(question: PermissionQuestion, signal: AbortSignal): Promise<PermissionAnswer>;
  /** A question of a tool server; the signal tells that it was withdrawn. */
  inputAsked(question: InputRequest, signal: AbortSignal): Promise<InputAnswer>;
  /** What a file holds in the editor; the signal tells that nobody wants to know any more. */
  fileAsked(asked: FileRead, signal: AbortSignal): Promise<FileReadAnswer>;
  /**
   * A new text for a file in the editor; rejects with {@link FileHasChanged}. The signal tells that it was
   * withdrawn: then it is not written, unless the editor has it already.
   */
  fileGiven(given: FileWrite, signal: AbortSignal): Promise<FileWriteAnswer>;
}

/** A connection to the server. */
export interface TurnwireConnection {
  /**
   * Calls a method.
   *
   * @throws RefusedRequest what the server answers instead of a result.
   */
  request<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>>;
  /** The client has gone: its runs go on where the server lets them, and its completions wait. */
  close(): void;
}

/** Opens a connection to the server. */
export type OpenConnection = (fromServer: FromServer) => TurnwireConnection;

/** The server refused a request (protocol.md section 8). */
export class RefusedRequest extends Error {
  override readonly name = "RefusedRequest";

  constructor(
    message: string,
    /** The error's own name, such as `SessionNotFound`. */
    readonly refusal: string,
  ) {
    super(message);
  }
}

/** Resolves with the answer, or with nothing where the run or the connection has ended meanwhile. */
export async function unlessRefused<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof RefusedRequest) return undefined;
    throw error;
  }
}
