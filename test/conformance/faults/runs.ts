// Faults in what protocol.md promises in section 4: prompts, their `runId`s and their options.
import { changing, type Fault } from "./fault.js";

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
];
