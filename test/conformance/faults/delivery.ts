// Faults in what protocol.md promises in section 5: completions.
import type { Message } from "../brokenServer.js";
import { changing, changingParams, type Fault, isCompletion } from "./fault.js";

export const delivery: readonly Fault[] = [
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
    caughtBy: ["TW-DELIVERY-007", "TW-QUEUE-016"],
    breaking: changingParams("runComplete", (params) => ({
      ...params,
      sequence: 1_000_000 - params.sequence,
    })),
  },
  {
    name: "a stored completion without a member",
    caughtBy: ["TW-SHAPE-001"],
    shownBy: ["TW-DELIVERY-010"],
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
    name: "steps that are one, however many calls were made",
    caughtBy: ["TW-DELIVERY-015"],
    breaking: changingParams("runComplete", (params) => ({
      ...params,
      steps: Math.min(1, params.steps),
    })),
  },
  {
    name: "steps that are told only when the run has ended",
    caughtBy: ["TW-DELIVERY-016"],
    breaking: changing((message) => {
      if (message.result?.state === "running" && "steps" in message.result)
        message.result.steps = 0;
      return message;
    }),
  },
];
