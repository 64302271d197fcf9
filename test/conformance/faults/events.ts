// Faults in what protocol.md promises in section 6: events and their shapes.
import type { Message } from "../brokenServer.js";
import { changing, changingParams, type Fault } from "./fault.js";

export const events: readonly Fault[] = [
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
    name: "events that are dropped and not told",
    caughtBy: ["TW-EVENTS-004"],
    mayAlsoFail: ["TW-EVENTS-002"],
    breaking: () => ({
      fromServer: (message) => (message.method === "eventsDropped" ? [] : [message]),
    }),
  },
];
