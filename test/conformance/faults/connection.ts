// Faults in what protocol.md promises in sections 2 and 8: the handshake, params and errors.
import { changing, changingError, changingParams, type Fault } from "./fault.js";

export const connection: readonly Fault[] = [
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
    shownBy: ["TW-WORKSPACE-002"],
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
    name: "a traceparent that is refused",
    caughtBy: ["TW-CONNECTION-011"],
    breaking: ({ toClient }) => ({
      fromClient(message) {
        if (message.params?.traceparent !== "nonsense") return [message];
        const data = {
          name: "InvalidParams",
          retryable: false,
          issues: [{ path: "", message: "no" }],
        };
        const error = { code: -32602, message: "no such trace", data };
        toClient(JSON.stringify({ jsonrpc: "2.0", id: message.id, error }));
        return [];
      },
    }),
  },
  {
    name: "a traceparent that counts for what a run is",
    caughtBy: ["TW-CONNECTION-012"],
    breaking: () => ({
      fromClient: (message) => {
        const { traceparent, prompt } = message.params ?? {};
        const isOther = typeof traceparent === "string" && traceparent.startsWith("00-b");
        if (!isOther) return [message];
        return [{ ...message, params: { ...message.params, prompt: `${prompt} again` } }];
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
    name: "a trace without the times of answers",
    caughtBy: ["TW-CONNECTION-013"],
    breaking: changingParams("$/logTrace", (params) => ({
      ...params,
      message: params.message.replace(/\d+ ?ms/, "long"),
    })),
  },
  {
    name: "a trace without contents",
    caughtBy: ["TW-CONNECTION-014"],
    breaking: changingParams("$/logTrace", ({ message }) => ({ message })),
  },
  {
    name: "a trace that cannot be turned off",
    caughtBy: ["TW-CONNECTION-015"],
    breaking: () => ({
      fromClient: (message) =>
        message.method === "$/setTrace" && message.params.value === "off" ? [] : [message],
    }),
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
];
