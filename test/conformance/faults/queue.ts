// Faults in what protocol.md promises in section 4: the queue and cancelling.
import { changing, changingParams, type Fault } from "./fault.js";

export const queue: readonly Fault[] = [
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
    name: "a pause that holds nothing",
    caughtBy: ["TW-QUEUE-005", "TW-QUEUE-012"],
    breaking: () => ({
      fromClient: (message) => [
        message.method === "pauseQueue" ? { ...message, method: "resumeQueue" } : message,
      ],
    }),
  },
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
];
