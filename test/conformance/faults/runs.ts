// Faults in what protocol.md promises in section 4: prompts, their `runId`s and their options.
import type { Breaking, Message } from "../brokenServer.js";
import { changing, changingCalls, type Fault } from "./fault.js";

export const runs: readonly Fault[] = [
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
    name: "defaults of a session that are its mode alone",
    caughtBy: ["TW-OPTION-010"],
    breaking: changingCalls("createSession", (params) => ({
      ...params,
      defaults: { permissionMode: params.defaults?.permissionMode ?? "ask" },
    })),
  },
  {
    name: "options of a run that stay with its session",
    caughtBy: ["TW-OPTION-011"],
    breaking: () => {
      const kept = new Map<unknown, Message>();
      return changingCalls("sendMessage", (params) => {
        if (params.options !== undefined) kept.set(params.sessionId, params.options);
        return { ...params, options: kept.get(params.sessionId) };
      })();
    },
  },
  {
    name: "a run in the queue that loses its options",
    caughtBy: ["TW-OPTION-012"],
    breaking: changingCalls("sendMessage", (params) =>
      params.prompt.startsWith("@tool") ? { ...params, options: undefined } : params,
    ),
  },
  {
    name: "defaults that hold beside a run's own options",
    caughtBy: ["TW-OPTION-014"],
    breaking: changingCalls("sendMessage", (params) =>
      params.options?.limits ? { ...params, options: { whenBusy: "join" } } : params,
    ),
  },
  {
    name: "defaults of the session that are compared",
    caughtBy: ["TW-OPTION-015"],
    breaking: onSecondSending((params) => ({ ...params, options: { permissionMode: "deny" } })),
  },
  {
    name: "limits of a run that replace those of the session",
    caughtBy: ["TW-OPTION-016"],
    breaking: changing((message) => {
      const limits = message.result?.options?.limits;
      if (limits?.tokens !== undefined) limits.steps = undefined;
      return message;
    }),
  },
  {
    name: "files of which the content is compared",
    caughtBy: ["TW-RUN-008"],
    breaking: onSecondSending((params) => ({ ...params, attachments: [] })),
  },
];

/** Changes a prompt whose `runId` was sent before. */
function onSecondSending(change: (params: Message) => Message): () => Breaking {
  return () => {
    const sent = new Set<unknown>();
    return changingCalls("sendMessage", (params) => {
      if (sent.has(params.runId)) return change(params);
      sent.add(params.runId);
      return params;
    })();
  };
}
