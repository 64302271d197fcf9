// Faults in what protocol.md promises in section 1: envelopes, batches and `$/` messages.
import { changing, changingError, type Fault, isAnswer, isCompletion } from "./fault.js";

export const transport: readonly Fault[] = [
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
    shownBy: ["TW-RUN-005"],
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
    shownBy: ["TW-DELIVERY-010"],
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
];
