// Faults in what protocol.md promises in section 4: the queue and cancelling.
import type { Breaking, Message, Wire } from "../brokenServer.js";
import {
  answering,
  changing,
  changingCalls,
  changingParams,
  type Fault,
  isCompletion,
} from "./fault.js";

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
    caughtBy: ["TW-CANCEL-001", "TW-CANCEL-006", "TW-CANCEL-007"],
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
    caughtBy: ["TW-QUEUE-002", "TW-OPTION-013"],
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
    caughtBy: ["TW-CANCEL-006", "TW-CANCEL-008"],
    breaking: changing((message) =>
      message.result?.prompts === undefined
        ? message
        : { ...message, result: { ...message.result, prompts: [] } },
    ),
  },
  {
    name: "a pause that holds nothing",
    caughtBy: ["TW-QUEUE-005", "TW-QUEUE-012", "TW-CANCEL-008"],
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
  {
    name: "a prompt without a runId that does not join",
    caughtBy: ["TW-QUEUE-002", "TW-QUEUE-017", "TW-OPTION-013"],
    breaking: changingCalls("sendMessage", (params) =>
      params.runId === undefined && params.options === undefined
        ? { ...params, options: { whenBusy: "queue" } }
        : params,
    ),
  },
  {
    name: "a run that has joined and is told as queued",
    caughtBy: ["TW-QUEUE-015"],
    breaking: () => {
      const joins = new Set<unknown>();
      return {
        fromClient(message) {
          const { runId, options } = message.params ?? {};
          if (options?.whenBusy === "join") joins.add(runId);
          return [message];
        },
        fromServer(message) {
          const { runId, state } = message.result ?? {};
          if (state === "running" && joins.has(runId)) message.result.state = "queued";
          return [message];
        },
      };
    },
  },
  {
    name: "joined runs that end in another order than they were accepted in",
    caughtBy: ["TW-QUEUE-016"],
    breaking: swappingJoined,
  },
  {
    name: "an edit that takes the attachments away",
    caughtBy: ["TW-QUEUE-019"],
    breaking: changingCalls("sendMessage", ({ attachments: _, ...params }) => params),
  },
  {
    name: "a pause that stops the running turn",
    caughtBy: ["TW-QUEUE-021"],
    breaking: () => ({
      fromClient(message) {
        if (message.method !== "pauseQueue") return [message];
        return [{ ...message, id: "stop", method: "cancelSession" }, message];
      },
      fromServer: (message) => (message.id === "stop" ? [] : [message]),
    }),
  },
  {
    name: "prompts of a deleted session that are only cancelled",
    caughtBy: ["TW-QUEUE-023"],
    breaking: changingParams("runComplete", (params) => ({
      ...params,
      cause: params.cause === "deleted" ? "user" : params.cause,
    })),
  },
  {
    name: "a joined run that a cancel names as queued",
    caughtBy: ["TW-CANCEL-007"],
    breaking: changing((message) => {
      const { cancelled } = message.result ?? {};
      if (Array.isArray(cancelled)) for (const each of cancelled.slice(1)) each.was = "queued";
      return message;
    }),
  },
  {
    name: "prompts that are given back cut, without a word of it",
    caughtBy: ["TW-CANCEL-008"],
    breaking: changing((message) => {
      if (message.result?.promptTruncated) message.result.promptTruncated = undefined;
      return message;
    }),
  },
  {
    name: "attachments that are given back",
    caughtBy: ["TW-CANCEL-009"],
    breaking: changing((message) => {
      const { prompts, cancelled } = message.result ?? {};
      if (prompts ?? cancelled) message.result.attachments = ["note-of-the-kit.txt"];
      return message;
    }),
  },
  {
    name: "a cancelled turn whose message has finished well",
    caughtBy: ["TW-CANCEL-011"],
    breaking: changing((message) => {
      for (const { parts } of message.result?.messages ?? []) {
        for (const part of parts) if (part.reason === "cancelled") part.reason = "endTurn";
      }
      return message;
    }),
  },
  {
    name: "a cancel that is told as an error",
    caughtBy: ["TW-CANCEL-012"],
    breaking: changingParams("runComplete", (params) =>
      params.status === "cancelled" && params.neverRan === undefined
        ? { ...params, errorName: "Cancelled", error: "The run was cancelled." }
        : params,
    ),
  },
  {
    name: "joined runs that are lost with their server",
    caughtBy: ["TW-QUEUE-018"],
    breaking: () => ({
      fromServer(message) {
        const { joined, status } = message.params ?? {};
        return joined !== undefined && status === "interrupted" ? [] : [message];
      },
    }),
  },
  {
    name: "an order that is not kept",
    caughtBy: ["TW-QUEUE-020"],
    breaking: answering("moveQueued", { result: {} }),
  },
  {
    name: "a pause that ends with its server",
    caughtBy: ["TW-QUEUE-022"],
    breaking: changing((message) => {
      if (message.result?.entries !== undefined) message.result.paused = false;
      return message;
    }),
  },
  {
    name: "a session that every server may use",
    caughtBy: ["TW-SHARED-001", "TW-SHARED-004", "TW-SHARED-006"],
    breaking: changing((message) =>
      message.error?.data?.name === "SessionBusy"
        ? { jsonrpc: "2.0", id: message.id, result: {} }
        : message,
    ),
  },
  {
    name: "a queue that nobody can resume",
    caughtBy: ["TW-QUEUE-022", "TW-SHARED-005", "TW-SHARED-006"],
    breaking: answering("resumeQueue", {
      error: { code: 1017, message: "busy", data: { name: "SessionBusy", retryable: true } },
    }),
  },
];

/** Gives two joined runs of a turn each the completion of the other. */
function swappingJoined({ toClient }: Wire): Breaking {
  let held: Message | undefined;
  const letGo = () => {
    if (held !== undefined) toClient(JSON.stringify(held));
    held = undefined;
  };
  return {
    fromServer(message) {
      if (!isCompletion(message) || message.params.joined === undefined) return [message];
      if (held?.params.sessionId !== message.params.sessionId) {
        letGo();
        held = message;
        setTimeout(letGo, 50);
        return [];
      }
      const [one, other] = [held.params, message.params];
      held = undefined;
      return [
        { ...message, params: { ...one, runId: other.runId } },
        { ...message, params: { ...other, runId: one.runId } },
      ];
    },
  };
}
