// Faults of a server, each with the requirements that must tell it, and no others.
import type { Breaking, Message, Wire } from "./brokenServer.js";

/** One way to break a promise. */
export interface Fault {
  readonly name: string;
  /** The ids of all requirements that fail. */
  readonly caughtBy: readonly string[];
  /** Ids of requirements that fail where what is lost lies in the middle of a part. */
  readonly mayAlsoFail?: readonly string[];
  breaking(wire: Wire): Breaking;
}

const isCompletion = (message: Message) => message.method === "runComplete";
const isAnswer = (message: Message) => message.id !== undefined && message.method === undefined;

/** Changes what the server sends, one message for one. */
function changing(change: (message: Message) => Message): () => Breaking {
  return () => ({
    fromServer: (message) => [Array.isArray(message) ? message : change(message)],
  });
}

/** Changes the params of one kind of notification. */
function changingParams(method: string, change: (params: Message) => object): () => Breaking {
  return changing((message) =>
    message.method === method ? { ...message, params: change(message.params) } : message,
  );
}

/** Changes the error of a given name. */
function changingError(name: string, change: (error: Message) => object): () => Breaking {
  return changing((message) =>
    message.error?.data?.name === name ? { ...message, error: change(message.error) } : message,
  );
}

const envelopes: readonly Fault[] = [
  {
    name: "no jsonrpc member in an event",
    caughtBy: ["TW-TRANSPORT-001"],
    breaking: changing(({ jsonrpc, ...message }) =>
      message.method === "messageCreated" ? message : { jsonrpc, ...message },
    ),
  },
  {
    name: "another version of JSON-RPC",
    caughtBy: ["TW-TRANSPORT-001"],
    breaking: changing((message) =>
      message.method === "agentFinished" ? { ...message, jsonrpc: "1.0" } : message,
    ),
  },
  {
    name: "a result and an error in one answer",
    caughtBy: ["TW-TRANSPORT-001"],
    breaking: changing((message) =>
      message.error?.data?.name === "RunNotFound" ? { ...message, result: {} } : message,
    ),
  },
  {
    name: "a key beyond JSON-RPC's own",
    caughtBy: ["TW-CONNECTION-002"],
    breaking: changing((message) =>
      isCompletion(message) ? { ...message, meta: { more: true } } : message,
    ),
  },
  {
    name: "a line of log between the frames",
    caughtBy: ["TW-TRANSPORT-002"],
    breaking: ({ toClient }) => ({
      fromServer(message) {
        if (message.method === "agentFinished") toClient("DEBUG the turn has ended");
        return [message];
      },
    }),
  },
  {
    name: "an empty line that is no frame",
    caughtBy: ["TW-TRANSPORT-002"],
    breaking: ({ toClient }) => ({
      fromServer(message) {
        if (message.method === "agentFinished") toClient("");
        return [message];
      },
    }),
  },
  {
    name: "a notification that is answered",
    caughtBy: ["TW-TRANSPORT-009"],
    breaking: ({ toClient }) => ({
      fromClient(message) {
        if (message.method === "noSuchMethod" && message.id === undefined) {
          toClient(
            '{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"no","data":{"name":"MethodNotFound","retryable":false}}}',
          );
        }
        return [message];
      },
    }),
  },
  {
    name: "an answer that comes twice",
    caughtBy: ["TW-TRANSPORT-009"],
    breaking: () => ({
      fromServer: (message) =>
        isAnswer(message) && message.result?.acknowledged?.length > 0
          ? [message, message]
          : [message],
    }),
  },
  {
    name: "an id that comes back as another type",
    caughtBy: ["TW-TRANSPORT-010"],
    breaking: changing((message) => (message.id === "7" ? { ...message, id: 7 } : message)),
  },
  {
    name: "id: null that is taken for a notification",
    caughtBy: ["TW-TRANSPORT-007"],
    breaking: () => ({
      fromServer: (message) =>
        message.id === null && message.error === undefined ? [] : [message],
    }),
  },
  {
    name: "a batch whose answers are not one",
    caughtBy: ["TW-TRANSPORT-008"],
    breaking: () => ({
      fromServer: (message) => (Array.isArray(message) ? message : [message]),
    }),
  },
  {
    name: "a batch with an answer that is missing",
    caughtBy: ["TW-TRANSPORT-008"],
    breaking: () => ({
      fromServer: (message) => [Array.isArray(message) ? message.slice(1) : message],
    }),
  },
  {
    name: "an empty batch that is a parse error",
    caughtBy: ["TW-TRANSPORT-008"],
    breaking: ({ toClient }) => ({
      fromClient(message) {
        if (!Array.isArray(message) || message.length > 0) return [message];
        toClient(
          '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no","data":{"name":"ParseError","retryable":false}}}',
        );
        return [];
      },
    }),
  },
  {
    name: "a parse error with the code of a bad request",
    caughtBy: ["TW-TRANSPORT-006", "TW-ERROR-002"],
    breaking: changingError("ParseError", (error) => ({ ...error, code: -32600 })),
  },
  {
    name: "an unknown $/ request that is ignored",
    caughtBy: ["TW-TRANSPORT-015"],
    breaking: () => ({
      fromClient: (message) => (message.method === "$/noSuchMethod" ? [] : [message]),
    }),
  },
  {
    name: "$/cancelRequest that is ignored",
    caughtBy: ["TW-TRANSPORT-014"],
    breaking: () => ({
      fromClient: (message) => (message.method === "$/cancelRequest" ? [] : [message]),
    }),
  },
];

const errors: readonly Fault[] = [
  {
    name: "an error with a wrong code",
    caughtBy: ["TW-ERROR-002"],
    breaking: changingError("SessionNotFound", (error) => ({ ...error, code: 1001 })),
  },
  {
    name: "an error with a name that there is not",
    caughtBy: ["TW-ERROR-002", "TW-RUN-005"],
    breaking: changingError("RunNotFound", (error) => ({
      ...error,
      data: { ...error.data, name: "NoSuchRun" },
    })),
  },
  {
    name: "an error without retryable",
    caughtBy: ["TW-ERROR-001"],
    breaking: changingError("PathNotFound", (error) => ({
      ...error,
      data: { name: error.data.name },
    })),
  },
  {
    name: "wrong params without issues",
    caughtBy: ["TW-CONNECTION-003"],
    breaking: changingError("InvalidParams", ({ data: { issues: _, ...data }, ...error }) => ({
      ...error,
      data,
    })),
  },
  {
    name: "a field that it does not know is refused",
    caughtBy: ["TW-CONNECTION-002"],
    breaking: ({ toClient }) => ({
      fromClient(message) {
        if (message.params?.aFieldOfAnotherVersion === undefined) return [message];
        const data = { name: "InvalidParams", retryable: false, issues: [] };
        const error = { code: -32602, message: "no such field", data };
        toClient(JSON.stringify({ jsonrpc: "2.0", id: message.id, error }));
        return [];
      },
    }),
  },
  {
    name: "null params that are refused",
    caughtBy: ["TW-CONNECTION-001"],
    breaking: () => ({
      fromClient: (message) => [message.params === null ? { ...message, params: 1 } : message],
    }),
  },
];

const completions: readonly Fault[] = [
  {
    name: "a completion twice",
    caughtBy: ["TW-DELIVERY-006"],
    breaking: () => ({
      fromServer: (message) => (isCompletion(message) ? [message, message] : [message]),
    }),
  },
  {
    name: "a second completion of a run, with an id of its own",
    caughtBy: ["TW-DELIVERY-001"],
    breaking: () => ({
      fromServer(message) {
        if (!isCompletion(message)) return [message];
        const completionId = `${message.params.completionId}-2`;
        return [message, { ...message, params: { ...message.params, completionId } }];
      },
    }),
  },
  {
    name: "a turn without a runId that gets no completion",
    caughtBy: ["TW-DELIVERY-001"],
    breaking: () => ({
      fromServer: (message) =>
        isCompletion(message) && message.params.runId === undefined ? [] : [message],
    }),
  },
  {
    name: "a completion before its last delta",
    caughtBy: ["TW-DELIVERY-008"],
    breaking: () => {
      let held: Message[] = [];
      return {
        fromServer(message) {
          if (message.method === "agentFinished") {
            held.push(message);
            return [];
          }
          if (!isCompletion(message)) return [message];
          const all = [message, ...held];
          held = [];
          return all;
        },
      };
    },
  },
  {
    name: "completions of a session out of order",
    caughtBy: ["TW-DELIVERY-007"],
    breaking: changingParams("runComplete", (params) => ({
      ...params,
      sequence: 1_000_000 - params.sequence,
    })),
  },
  {
    name: "a stored completion without a member",
    caughtBy: ["TW-SHAPE-001"],
    breaking: changing((message) => {
      if (message.result?.completion === undefined) return message;
      const { attempt: _, ...completion } = message.result.completion;
      return { ...message, result: { ...message.result, completion } };
    }),
  },
  {
    name: "acknowledge that counts unknown ids",
    caughtBy: ["TW-DELIVERY-010"],
    breaking: changing((message) =>
      message.result?.unknown?.length > 0
        ? {
            ...message,
            result: { acknowledged: [...message.result.acknowledged, "none"], unknown: [] },
          }
        : message,
    ),
  },
  {
    name: "waitRun that acknowledges",
    caughtBy: ["TW-DELIVERY-011"],
    breaking: changing((message) =>
      message.result?.completions === undefined
        ? message
        : { ...message, result: { completions: [] } },
    ),
  },
  {
    name: "a run that failed and says that it succeeded",
    caughtBy: ["TW-RUN-006", "TW-CANCEL-005"],
    breaking: changingParams("runComplete", (params) => ({
      ...params,
      status: params.status === "failed" ? "succeeded" : params.status,
    })),
  },
];

const events: readonly Fault[] = [
  {
    name: "deltas with a gap",
    caughtBy: ["TW-EVENTS-002"],
    breaking: changingParams("messageDelta", (params) => ({
      ...params,
      offset: params.offset === 0 ? 0 : params.offset + 1,
    })),
  },
  {
    name: "offsets in bytes",
    caughtBy: ["TW-EVENTS-002"],
    breaking: () => {
      const sent = new Map<string, number>();
      return {
        fromServer(message) {
          if (message.method !== "messageDelta") return [message];
          const { messageId, partIndex, delta } = message.params;
          const key = `${messageId} ${partIndex}`;
          const offset = sent.get(key) ?? 0;
          sent.set(key, offset + 2 * Buffer.byteLength(delta));
          return [{ ...message, params: { ...message.params, offset } }];
        },
      };
    },
  },
  {
    name: "the end of a workspace that names a session",
    caughtBy: ["TW-EVENTS-006"],
    breaking: changingParams("workspaceClosed", (params) => ({ ...params, sessionId: "ses" })),
  },
  {
    name: "times without a zone",
    caughtBy: ["TW-WORKSPACE-006"],
    mayAlsoFail: ["TW-SHAPE-003"],
    breaking: changingParams("runComplete", (params) => ({
      ...params,
      completedAt: params.completedAt.replace("Z", ""),
    })),
  },
  {
    name: "an event without its workspace",
    caughtBy: ["TW-EVENTS-001", "TW-SHAPE-002"],
    breaking: changingParams("agentFinished", ({ workspaceId: _, ...params }) => params),
  },
  {
    name: "a message that is told after its text",
    caughtBy: ["TW-EVENTS-005"],
    breaking: () => {
      let held: Message | undefined;
      return {
        fromServer(message) {
          if (message.method === "messageCreated" && message.params.message.role === "assistant") {
            held = message;
            return [];
          }
          if (held === undefined || message.method !== "messageDelta") return [message];
          const all = [message, held];
          held = undefined;
          return all;
        },
      };
    },
  },
  {
    name: "an event with a field of the wrong type",
    caughtBy: ["TW-SHAPE-002"],
    breaking: changingParams("messageDelta", (params) => ({
      ...params,
      partIndex: String(params.partIndex),
    })),
  },
  {
    name: "a result without a field that it must have",
    caughtBy: ["TW-SHAPE-001"],
    breaking: changing((message) => {
      if (message.result?.messageCount === undefined) return message;
      const { messageCount: _, ...result } = message.result;
      return { ...message, result };
    }),
  },
];

const runs: readonly Fault[] = [
  {
    name: "a cancel that poisons the next prompt",
    caughtBy: ["TW-CANCEL-002"],
    breaking: () => {
      const poisoned = new Set<string>();
      const hasRun = new Set<string>();
      return {
        fromClient(message) {
          const sessionId = message.params?.sessionId;
          if (message.method === "sendMessage") {
            hasRun.add(sessionId);
            if (poisoned.delete(sessionId)) {
              const params = { workspaceId: message.params.workspaceId, sessionId };
              const id = "poison";
              return [message, { jsonrpc: "2.0", id, method: "cancelSession", params }];
            }
          }
          if (message.method === "cancelSession" && !hasRun.has(sessionId)) poisoned.add(sessionId);
          return [message];
        },
        fromServer: (message) => (message.id === "poison" ? [] : [message]),
      };
    },
  },
  {
    name: "a cancel that does not touch the queue",
    caughtBy: ["TW-CANCEL-001", "TW-CANCEL-006"],
    breaking: changing((message) =>
      message.result?.cancelled?.length > 1
        ? { ...message, result: { cancelled: message.result.cancelled.slice(0, 1) } }
        : message,
    ),
  },
  {
    name: "a dropped prompt that does not say so",
    caughtBy: ["TW-CANCEL-004"],
    breaking: changingParams("runComplete", ({ neverRan: _, ...params }) => params),
  },
  {
    name: "a duplicate that is not told",
    caughtBy: ["TW-RUN-004", "TW-OPTION-002", "TW-OPTION-003"],
    breaking: changing((message) => {
      if (message.result?.duplicate === undefined) return message;
      const { duplicate: _, ...result } = message.result;
      return { ...message, result };
    }),
  },
  {
    name: "a runId of another prompt that is a duplicate",
    caughtBy: ["TW-RUN-004", "TW-OPTION-003"],
    breaking: changing((message) =>
      message.error?.data?.name === "RunIdConflict"
        ? { jsonrpc: "2.0", id: message.id, result: { state: "completed", duplicate: true } }
        : message,
    ),
  },
  {
    name: "prompts that are folded and not counted",
    caughtBy: ["TW-QUEUE-002"],
    breaking: changingParams("runComplete", (params) => ({ ...params, foldedPrompts: 0 })),
  },
  {
    name: "a run that joined and tells what the turn used",
    caughtBy: ["TW-QUEUE-013"],
    breaking: changingParams("runComplete", (params) =>
      params.joined === undefined ? params : { ...params, steps: 2 },
    ),
  },
  {
    name: "dropped prompts whose texts are not given back",
    caughtBy: ["TW-CANCEL-006"],
    breaking: changing((message) =>
      message.result?.prompts === undefined
        ? message
        : { ...message, result: { ...message.result, prompts: [] } },
    ),
  },
  {
    name: "whenBusy that is ignored",
    caughtBy: ["TW-OPTION-001", "TW-OPTION-003"],
    breaking: () => ({
      fromClient(message) {
        if (!["reject", "queue"].includes(message.params?.options?.whenBusy)) return [message];
        const { options: _, ...params } = message.params;
        return [{ ...message, params }];
      },
    }),
  },
  {
    name: "a pause that holds nothing",
    caughtBy: ["TW-QUEUE-005", "TW-QUEUE-012"],
    breaking: () => ({
      fromClient: (message) => [
        message.method === "pauseQueue" ? { ...message, method: "resumeQueue" } : message,
      ],
    }),
  },
  {
    name: "an empty prompt that is looked for in its session first",
    caughtBy: ["TW-RUN-002"],
    breaking: ({ toClient }) => ({
      fromClient(message) {
        if (message.method !== "sendMessage" || message.params.sessionId !== "") return [message];
        const data = { name: "SessionMissing", retryable: false };
        const error = { code: 1005, message: "no session", data };
        toClient(JSON.stringify({ jsonrpc: "2.0", id: message.id, error }));
        return [];
      },
    }),
  },
];

const permissions: readonly Fault[] = [
  {
    name: "a malformed answer that allows",
    caughtBy: ["TW-PERMISSION-002"],
    breaking: () => ({
      fromClient: (message) => [
        message.result?.decision === "yes"
          ? { ...message, result: { decision: "allow" } }
          : message,
      ],
    }),
  },
  {
    name: "an error that allows",
    caughtBy: ["TW-PERMISSION-002"],
    breaking: () => ({
      fromClient: (message) => [
        message.error?.message === "no handler"
          ? { jsonrpc: "2.0", id: message.id, result: { decision: "allow" } }
          : message,
      ],
    }),
  },
  {
    name: "a deny that is taken for an allow",
    caughtBy: ["TW-PERMISSION-001"],
    breaking: () => ({
      fromClient: (message) => [
        message.result?.decision === "deny"
          ? { ...message, result: { decision: "allow" } }
          : message,
      ],
    }),
  },
  {
    name: "an answer for the session that holds once",
    caughtBy: ["TW-PERMISSION-007"],
    breaking: () => ({
      fromClient: (message) => [
        message.result?.decision === "allowForSession" && message.result.input === undefined
          ? { ...message, result: { decision: "allow" } }
          : message,
      ],
    }),
  },
  {
    name: "an input of the client's that is not used",
    caughtBy: ["TW-PERMISSION-008", "TW-PERMISSION-009"],
    breaking: () => ({
      fromClient(message) {
        if (message.result?.input === undefined) return [message];
        return [{ ...message, result: { decision: message.result.decision } }];
      },
    }),
  },
  {
    name: "a mode that is always ask",
    caughtBy: ["TW-PERMISSION-006"],
    breaking: () => ({
      fromClient(message) {
        if (!["acceptEdits", "allow"].includes(message.params?.permissionMode)) return [message];
        return [{ ...message, params: { ...message.params, permissionMode: "ask" } }];
      },
    }),
  },
  {
    name: "a question that is not withdrawn",
    caughtBy: ["TW-PERMISSION-005"],
    breaking: () => ({
      fromServer: (message) => (message.method === "$/cancelRequest" ? [] : [message]),
    }),
  },
];

/** Faults that show on the two connections that checks share. */
export const sharedFaults: readonly Fault[] = [
  ...envelopes,
  ...errors,
  ...completions,
  ...events,
  ...runs,
  ...permissions,
];

/** Ways to write a body in the framing `header`, each with the requirements that must tell it. */
export const framingFaults: readonly {
  readonly name: string;
  readonly caughtBy: readonly string[];
  write(body: Buffer): Buffer;
}[] = [
  {
    name: "a length in characters",
    caughtBy: ["TW-TRANSPORT-003"],
    write: (body) => framed(body, `Content-Length: ${body.toString().length}`),
  },
  {
    name: "a length that counts a newline after the body",
    caughtBy: ["TW-TRANSPORT-003"],
    write: (body) => framed(body, `Content-Length: ${body.length + 1}`),
  },
  {
    name: "a line of log before a header",
    caughtBy: ["TW-TRANSPORT-002"],
    write: (body) => framed(body, `DEBUG an answer Content-Length: ${body.length}`),
  },
  {
    name: "bodies without a header",
    caughtBy: ["TW-TRANSPORT-002"],
    write: (body) => {
      const header = `Content-Length: ${body.length}`;
      const stray = Buffer.from("X-Nothing: 1\r\n\r\n");
      return Buffer.concat([stray, framed(body, header)]);
    },
  },
];

function framed(body: Buffer, header: string): Buffer {
  return Buffer.concat([Buffer.from(`${header}\r\n\r\n`), body]);
}

/** Faults in what not every server has. */
const features: readonly Fault[] = [
  {
    name: "a queue that is listed backwards",
    caughtBy: ["TW-QUEUE-006"],
    breaking: changing((message) => {
      message.result?.entries?.reverse();
      return message;
    }),
  },
  {
    name: "an edit of the queue that changes nothing",
    caughtBy: ["TW-QUEUE-007"],
    breaking: () => ({
      fromClient(message) {
        if (message.method !== "editQueued") return [message];
        return [{ ...message, params: { ...message.params, prompt: "@say before" } }];
      },
    }),
  },
  {
    name: "an entry that is always moved to the end",
    caughtBy: ["TW-QUEUE-009"],
    breaking: () => ({
      fromClient(message) {
        if (message.method !== "moveQueued") return [message];
        const { before: _, ...params } = message.params;
        return [{ ...message, params }];
      },
    }),
  },
  {
    name: "an entry that has ended and is still removed",
    caughtBy: ["TW-QUEUE-011"],
    breaking: changing((message) =>
      message.error?.data?.name === "QueueEntryNotFound"
        ? { jsonrpc: "2.0", id: message.id, result: {} }
        : message,
    ),
  },
  {
    name: "options that are forgotten",
    caughtBy: ["TW-OPTION-006"],
    breaking: changing((message) => {
      if (message.result?.state === undefined) return message;
      const { options: _, ...result } = message.result;
      return { ...message, result };
    }),
  },
  {
    name: "options that are not compared",
    caughtBy: ["TW-OPTION-005"],
    breaking: () => ({
      fromClient(message) {
        if (message.params?.options?.ofAnotherVersion === undefined) return [message];
        const { options: _, ...params } = message.params;
        return [{ ...message, params }];
      },
    }),
  },
  {
    name: "a tool of the client that is called twice",
    caughtBy: ["TW-CLIENTTOOL-001", "TW-CLIENTTOOL-002"],
    breaking: () => ({
      fromServer: (message) =>
        message.method === "callTool" ? [message, { ...message, id: "again" }] : [message],
      fromClient: (message) => (message.id === "again" ? [] : [message]),
    }),
  },
  {
    name: "a call of the client's tool that is not withdrawn",
    caughtBy: ["TW-CLIENTTOOL-004"],
    breaking: () => ({
      fromServer: (message) => (message.method === "$/cancelRequest" ? [] : [message]),
    }),
  },
  {
    name: "a search that finds a session twice",
    caughtBy: ["TW-SEARCH-005"],
    breaking: changing((message) => {
      const { results } = message.result ?? {};
      return results === undefined
        ? message
        : { ...message, result: { ...message.result, results: [...results, ...results] } };
    }),
  },
  {
    name: "a search for some of the words",
    caughtBy: ["TW-SEARCH-001"],
    breaking: () => ({
      fromClient(message) {
        if (message.method !== "searchSessions") return [message];
        const query = message.params.query.split(" ")[0];
        return [{ ...message, params: { ...message.params, query } }];
      },
    }),
  },
];

/** Faults that show in a server of a check's own, with the ids of the checks that are run. */
export const ownFaults: readonly Fault[] = [
  {
    name: "a completion that is lost with its server",
    caughtBy: ["TW-DELIVERY-012"],
    breaking: () => ({
      fromServer: (message) =>
        isCompletion(message) && message.params.status === "interrupted" ? [] : [message],
    }),
  },
  {
    name: "completions that are told to any client",
    caughtBy: ["TW-DELIVERY-013"],
    breaking: () => ({
      fromClient(message) {
        const clientId = message.params?.clientId;
        if (message.method !== "initialize" || !clientId?.startsWith("other-")) return [message];
        return [
          { ...message, params: { ...message.params, clientId: clientId.slice("other-".length) } },
        ];
      },
    }),
  },
  {
    name: "an acknowledgement that is not kept",
    caughtBy: ["TW-DELIVERY-003", "TW-DELIVERY-005"],
    breaking: () => ({
      fromClient: (message) => [
        message.method === "acknowledge" ? { ...message, params: { completionIds: [] } } : message,
      ],
    }),
  },
  {
    name: "ackTimeoutMs that is ignored",
    caughtBy: ["TW-DELIVERY-005"],
    breaking: () => ({
      fromClient(message) {
        if (message.params?.ackTimeoutMs === undefined) return [message];
        const { ackTimeoutMs: _, ...params } = message.params;
        return [{ ...message, params }];
      },
    }),
  },
  {
    name: "attempts that are not counted",
    caughtBy: ["TW-DELIVERY-004", "TW-DELIVERY-005"],
    breaking: changingParams("runComplete", (params) => ({ ...params, attempt: 1 })),
  },
  {
    name: "optOutNotifications that is ignored",
    caughtBy: ["TW-EVENTS-003"],
    breaking: () => ({
      fromClient(message) {
        if (message.params?.optOutNotifications === undefined) return [message];
        const { optOutNotifications: _, ...params } = message.params;
        return [{ ...message, params }];
      },
    }),
  },
  {
    name: "an answer to shutdown before the completions",
    caughtBy: ["TW-CONNECTION-009"],
    breaking: ({ toClient }) => {
      let shutdownId: unknown;
      return {
        fromClient(message) {
          if (message.method === "shutdown") {
            shutdownId = message.id;
            toClient(JSON.stringify({ jsonrpc: "2.0", id: message.id, result: {} }));
          }
          return [message];
        },
        fromServer: (message) => (message.id === shutdownId ? [] : [message]),
      };
    },
  },
  {
    name: "a method that is listed and not there",
    caughtBy: ["TW-CONNECTION-010"],
    breaking: changing((message) => {
      message.result?.capabilities?.methods.push("noSuchMethod");
      return message;
    }),
  },
  {
    name: "requests that are taken after shutdown",
    caughtBy: ["TW-CONNECTION-007"],
    breaking: changing((message) =>
      message.error?.data?.name === "ServerShuttingDown"
        ? { jsonrpc: "2.0", id: message.id, result: { workspaces: [] } }
        : message,
    ),
  },
  {
    name: "a second initialize that is taken",
    caughtBy: ["TW-CONNECTION-005"],
    breaking: changing((message) =>
      message.error?.data?.name === "AlreadyInitialized"
        ? {
            jsonrpc: "2.0",
            id: message.id,
            error: {
              ...message.error,
              data: { name: "InternalError", retryable: false },
              code: -32603,
            },
          }
        : message,
    ),
  },
  {
    name: "a greeting before the first message",
    caughtBy: ["TW-TRANSPORT-005"],
    breaking: ({ toClient }) => {
      let isSpokenTo = false;
      setTimeout(() => {
        if (!isSpokenTo) toClient('{"jsonrpc":"2.0","method":"$/hello","params":{}}');
      }, 100);
      return {
        fromClient(message) {
          isSpokenTo = true;
          return [message];
        },
      };
    },
  },
  {
    name: "events that are dropped and not told",
    caughtBy: ["TW-EVENTS-004"],
    mayAlsoFail: ["TW-EVENTS-002"],
    breaking: () => ({
      fromServer: (message) => (message.method === "eventsDropped" ? [] : [message]),
    }),
  },
  {
    name: "a message that is too large and taken for no JSON",
    caughtBy: ["TW-TRANSPORT-013"],
    breaking: changing((message) =>
      message.error?.data?.name === "MessageTooLarge"
        ? {
            ...message,
            id: null,
            error: { code: -32700, message: "no", data: { name: "ParseError", retryable: false } },
          }
        : message,
    ),
  },
  ...features,
];
