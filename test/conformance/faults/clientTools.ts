// Faults in what protocol.md promises in section 7: tools of the client.
import type { Message } from "../brokenServer.js";
import { changing, changingAnswers, changingCalls, type Fault } from "./fault.js";

export const clientTools: readonly Fault[] = [
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
    name: "tools that are added to those before",
    caughtBy: ["TW-CLIENTTOOL-005"],
    breaking: () => {
      const all = new Map<string, Message>();
      return changingCalls("setTools", ({ tools, ...params }) => {
        for (const tool of tools) all.set(tool.name, tool);
        return { ...params, tools: [...all.values()] };
      })();
    },
  },
  {
    name: "tools of any name, number and size",
    caughtBy: ["TW-CLIENTTOOL-003", "TW-CLIENTTOOL-006"],
    breaking: changing((message) =>
      message.error?.data?.name === "InvalidParams"
        ? { jsonrpc: "2.0", id: message.id, result: {} }
        : message,
    ),
  },
  {
    name: "tools that are taken from a turn that has begun",
    caughtBy: ["TW-CLIENTTOOL-007"],
    breaking: () => {
      let hasNone = false;
      return {
        fromClient(message) {
          if (message.method === "setTools") hasNone = message.params.tools.length === 0;
          return [message];
        },
        fromServer: (message) => (hasNone && message.method === "callTool" ? [] : [message]),
      };
    },
  },
  {
    name: "an invalid answer that counts",
    caughtBy: ["TW-CLIENTTOOL-008"],
    breaking: changingAnswers((answer) => {
      if (typeof answer.output === "number") answer.output = "seven";
    }),
  },
  {
    name: "a call that failed and is stored as one that did not",
    caughtBy: ["TW-CLIENTTOOL-002", "TW-CLIENTTOOL-008", "TW-CLIENTTOOL-009"],
    breaking: changing((message) => {
      for (const { parts } of message.result?.messages ?? []) {
        for (const part of parts) if (part.isError) part.isError = false;
      }
      return message;
    }),
  },
  {
    name: "a question before each call of a client's tool",
    caughtBy: ["TW-CLIENTTOOL-001", "TW-CLIENTTOOL-002", "TW-CLIENTTOOL-010"],
    breaking: () => ({
      fromServer(message) {
        if (message.method !== "callTool") return [message];
        return [{ ...message, id: "asked", method: "requestPermission" }, message];
      },
      fromClient: (message) => (message.id === "asked" ? [] : [message]),
    }),
  },
  {
    name: "tools that all pass for reading",
    caughtBy: ["TW-CLIENTTOOL-011"],
    breaking: changingCalls("setTools", ({ tools, ...params }) => ({
      ...params,
      tools: tools.map((tool: Message) => ({ ...tool, readOnly: true })),
    })),
  },
];
