/**
 * Every error that Turnwire names, in one place (protocol.md section 8): its code on the wire, whether
 * trying again can help, and what it means. The wire form is made in `rpc/errorTranslation.ts`.
 */
export const errorTable = {
  ParseError: { code: -32700, retryable: false, summary: "The input is not JSON, or not a frame." },
  InvalidRequest: { code: -32600, retryable: false, summary: "The JSON is not a request object." },
  MessageTooLarge: {
    code: -32600,
    retryable: false,
    summary: "The message is longer than `--max-message-bytes`; it was skipped.",
  },
  MethodNotFound: { code: -32601, retryable: false, summary: "There is no such method." },
  InvalidParams: {
    code: -32602,
    retryable: false,
    summary: "A param is missing or of the wrong type; `data.issues` names each.",
  },
  InternalError: {
    code: -32603,
    retryable: false,
    summary: "Something unexpected; `data.errorId` finds it in the log.",
  },
  RequestCancelled: {
    code: -32800,
    retryable: false,
    summary: "The request, or the turn that it waited for, was cancelled.",
  },
  WorkspaceNotFound: {
    code: 1001,
    retryable: false,
    summary: "No workspace with this id is open here.",
  },
  WorkspaceClosing: {
    code: 1002,
    retryable: false,
    summary: "The workspace is closing and takes no new runs.",
  },
  AgentNotInitialized: {
    code: 1003,
    retryable: false,
    summary: "`initAgent` has not been called for this workspace.",
  },
  EmptyPrompt: {
    code: 1004,
    retryable: false,
    summary: "The prompt is empty or blank and no text is attached.",
  },
  SessionMissing: { code: 1005, retryable: false, summary: "`sessionId` is empty." },
  SessionNotFound: {
    code: 1006,
    retryable: false,
    summary: "No session with this id in this workspace.",
  },
  SessionBusy: {
    code: 1007,
    retryable: true,
    summary: "A turn runs on this session, here or in another server.",
  },
  PathRequired: { code: 1008, retryable: false, summary: "`path` is empty." },
  PathNotFound: { code: 1009, retryable: false, summary: "`path` is no folder." },
  RunIdConflict: {
    code: 1010,
    retryable: false,
    summary: "This `runId` belongs to another session, prompt or options.",
  },
  QueueFull: {
    code: 1011,
    retryable: true,
    summary: "1,000 prompts, or 64 MiB of them, are queued on this session already.",
  },
  ModelNotConfigured: {
    code: 1012,
    retryable: false,
    summary: "The chosen model or its provider is not in the configuration.",
  },
  ProviderNotFound: {
    code: 1013,
    retryable: false,
    summary: "No provider with this id is configured.",
  },
  ServerShuttingDown: {
    code: 1014,
    retryable: false,
    summary: "The server is shutting down and takes no requests.",
  },
  UnsupportedProtocolVersion: {
    code: 1015,
    retryable: false,
    summary: "`data.supported` lists the versions that this server speaks.",
  },
  AlreadyInitialized: {
    code: 1016,
    retryable: false,
    summary: "`initialize` has succeeded on this connection already.",
  },
  MessageNotFound: {
    code: 1017,
    retryable: false,
    summary: "No message with this id in this session.",
  },
  RunNotFound: { code: 1018, retryable: false, summary: "No run with this id in this workspace." },
  ConfigInvalid: {
    code: 1019,
    retryable: false,
    summary: "A configuration file has a mistake. The message names the file and the field.",
  },
  StorageFailed: {
    code: 1020,
    retryable: true,
    summary: "A necessary write to the disk failed. The request had no effect.",
  },
  EngineFailed: {
    code: 1021,
    retryable: true,
    summary: "The agent could not be started, or failed for a reason that has no name of its own.",
  },
  PermissionNotFound: {
    code: 1022,
    retryable: false,
    summary:
      "No open question of this client with this `permissionId`. It was answered, withdrawn or replaced, or its time is over.",
  },
  QueueEntryNotFound: {
    code: 1023,
    retryable: false,
    summary:
      "No prompt with this `queueId` waits on this session. It has begun or ended, or never existed.",
  },
  CheckpointNotFound: {
    code: 1024,
    retryable: false,
    summary: "No checkpoint with this id, or of this run, in this session.",
  },
  FileChanged: {
    code: 1025,
    retryable: false,
    summary:
      "A client answers it to `writeFile`: the file is not in the version that was to be replaced.",
  },
  SandboxUnavailable: {
    code: 1026,
    retryable: false,
    summary:
      "The sandbox that `permissions.sandbox` requests cannot be enforced here. The message says why.",
  },
  EngineNotFound: {
    code: 1027,
    retryable: false,
    summary: "The user's configuration has no engine of this name (`engines`).",
  },
  EngineConflict: {
    code: 1028,
    retryable: false,
    summary: "The workspace is open with another engine.",
  },
} as const satisfies Record<string, { code: number; retryable: boolean; summary: string }>;

/** The name of an error, stable on the wire (`data.name`). */
export type ErrorName = keyof typeof errorTable;

/**
 * An error that is sent to a client as it is. Its `message` is written for a user: it says what is
 * wrong and how to fix it. Every layer below `rpc` throws it.
 */
export class DomainError extends Error {
  override readonly name: ErrorName;
  /** Further members of the wire error's `data`. */
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    name: ErrorName,
    message: string,
    options: { data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = name;
    this.data = options.data ?? {};
  }

  /** The JSON-RPC error code. */
  get code(): number {
    return errorTable[this.name].code;
  }

  /** Whether the same request can succeed later. */
  get retryable(): boolean {
    return errorTable[this.name].retryable;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
