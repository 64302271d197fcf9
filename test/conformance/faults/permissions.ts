// Faults in what protocol.md promises in section 7: permissions.
import { changingAnswers, type Fault } from "./fault.js";

export const permissions: readonly Fault[] = [
  {
    name: "a malformed answer that allows",
    caughtBy: ["TW-PERMISSION-002"],
    breaking: () => ({
      fromClient: (message) => [
        message.result?.decision === "yes"
          ? { ...message, result: { decision: "allow" } }
          : message,
      ],
    }),
  },
  {
    name: "an error that allows",
    caughtBy: ["TW-PERMISSION-002"],
    breaking: () => ({
      fromClient: (message) => [
        message.error?.message === "no handler"
          ? { jsonrpc: "2.0", id: message.id, result: { decision: "allow" } }
          : message,
      ],
    }),
  },
  {
    name: "a deny that is taken for an allow",
    caughtBy: ["TW-PERMISSION-001"],
    breaking: () => ({
      fromClient: (message) => [
        message.result?.decision === "deny"
          ? { ...message, result: { decision: "allow" } }
          : message,
      ],
    }),
  },
  {
    name: "an answer for the session that holds once",
    caughtBy: ["TW-PERMISSION-007"],
    breaking: () => ({
      fromClient: (message) => [
        message.result?.decision === "allowForSession" && message.result.input === undefined
          ? { ...message, result: { decision: "allow" } }
          : message,
      ],
    }),
  },
  {
    name: "an input of the client's that is not used",
    caughtBy: ["TW-PERMISSION-008", "TW-PERMISSION-009", "TW-PERMISSION-010"],
    breaking: () => ({
      fromClient(message) {
        if (message.result?.input === undefined) return [message];
        return [{ ...message, result: { decision: message.result.decision } }];
      },
    }),
  },
  {
    name: "a mode that is always ask",
    caughtBy: ["TW-PERMISSION-006"],
    breaking: () => ({
      fromClient(message) {
        if (!["acceptEdits", "allow"].includes(message.params?.permissionMode)) return [message];
        return [{ ...message, params: { ...message.params, permissionMode: "ask" } }];
      },
    }),
  },
  {
    name: "a question that is not withdrawn",
    caughtBy: ["TW-PERMISSION-005", "TW-CANCEL-010"],
    breaking: () => ({
      fromServer: (message) => (message.method === "$/cancelRequest" ? [] : [message]),
    }),
  },
  {
    name: "an input that does not fit and is put right",
    caughtBy: ["TW-PERMISSION-010"],
    breaking: changingAnswers(({ input }) => {
      if (typeof input?.content === "object") input.content = "text";
    }),
  },
  {
    name: "an answer with an input that holds for the session",
    caughtBy: ["TW-PERMISSION-011"],
    breaking: changingAnswers((answer) => {
      if (answer.input?.content !== "of the user") return;
      answer.decision = "allowForSession";
      answer.input = undefined;
    }),
  },
];
