// Faults in what protocol.md promises in section 7: tools of the client.
import type { Fault } from "./fault.js";

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
];
