import * as z from "zod";
import { declareMethod } from "../declare.js";
import { ownId } from "../objects/ids.js";

/** `initialize`, protocol.md section 2. */
export const initialize = declareMethod({
  name: "initialize",
  section: 2,
  summary:
    "Opens the connection: who the client is, and what it can do. Recommended, not required.",
  params: () =>
    z.object({
      protocolVersion: z
        .int()
        .optional()
        .describe("The version that the client speaks; today's is 1."),
      clientInfo: z.object({ name: z.string(), version: z.string().optional() }).optional(),
      clientId: ownId("The client's own stable identity: completions belong to it.").optional(),
      processId: z
        .int()
        .positive()
        .nullish()
        .describe("The process whose death ends the server, where it can be seen from there."),
      ackTimeoutMs: z
        .int()
        .positive()
        .optional()
        .describe("Send an unacknowledged completion again after so long, then doubling."),
      optOutNotifications: z
        .array(z.string())
        .optional()
        .describe("Notifications that the client does not want."),
      capabilities: z
        .object({
          requestPermission: z
            .boolean()
            .optional()
            .describe("Whether the client answers `requestPermission`; `true` unless told."),
          requestInput: z
            .boolean()
            .optional()
            .describe("Whether the client answers `requestInput`; `false` unless told."),
        })
        .optional(),
    }),
  result: () =>
    z.object({
      protocolVersion: z.int(),
      serverInfo: z.object({ name: z.string(), version: z.string() }),
      clientId: z.string().describe("The one that was given, or a fresh one."),
      pendingCompletions: z.int().nonnegative().describe("How many will be delivered again now."),
      capabilities: z.object({
        methods: z.array(z.string()),
        notifications: z.array(z.string()),
        maxMessageBytes: z.int().positive(),
      }),
    }),
  errors: ["UnsupportedProtocolVersion", "AlreadyInitialized"],
  example: {
    params: { protocolVersion: 1, clientInfo: { name: "editor" }, clientId: "5e1c9f3a" },
    result: {
      protocolVersion: 1,
      serverInfo: { name: "turnwire", version: "0.1.0" },
      clientId: "5e1c9f3a",
      pendingCompletions: 0,
      capabilities: {
        methods: ["ping"],
        notifications: ["runComplete"],
        maxMessageBytes: 67108864,
      },
    },
  },
});
