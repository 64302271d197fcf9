import * as z from "zod";
import { declareMethod } from "../declare.js";
import { anyId, ownId } from "../objects/ids.js";
import { traceContext } from "../objects/traceContext.js";
import { traceValue } from "../objects/traceValue.js";

/** `initialize`, protocol.md section 2. */
export const initialize = declareMethod({
  name: "initialize",
  section: 2,
  summary:
    "Opens the connection. Tells the server who the client is and what it can do. Recommended, not required.",
  params: () =>
    z.object({
      protocolVersion: z
        .int()
        .optional()
        .describe("The protocol version that the client speaks. The present version is 1."),
      clientInfo: z.object({ name: anyId(), version: anyId().optional() }).optional(),
      clientId: ownId("The client's own stable identity. Completions belong to it.").optional(),
      processId: z
        .int()
        .positive()
        .nullish()
        .describe("The server ends when this process ends, if the server can see it"),
      ackTimeoutMs: z
        .int()
        .positive()
        .optional()
        .describe(
          "After so many milliseconds an unacknowledged completion is sent again. Each further time is twice as long.",
        ),
      permissionSeconds: z
        .int()
        .min(0)
        .max(604_800)
        .optional()
        .describe(
          "How many seconds a question of a run that is sent now waits while no connection of its client lives; 0 by default (section 7, Questions that wait).",
        ),
      optOutNotifications: z
        .array(z.string())
        .optional()
        .describe("Notifications that the client does not want."),
      capabilities: z
        .object({
          requestPermission: z
            .boolean()
            .optional()
            .describe("Whether the client answers `requestPermission`; `true` by default."),
          requestInput: z
            .boolean()
            .optional()
            .describe("Whether the client answers `requestInput`; `false` by default."),
          files: z
            .boolean()
            .optional()
            .describe("Whether it answers `readFile` and `writeFile`; `false` by default."),
        })
        .optional(),
      trace: traceValue().optional().describe("As with `$/setTrace`."),
      ...traceContext(),
    }),
  result: () =>
    z.object({
      protocolVersion: z.int(),
      serverInfo: z.object({ name: z.string(), version: z.string() }),
      clientId: z.string().describe("The `clientId` that was given, or a new one."),
      pendingCompletions: z
        .int()
        .nonnegative()
        .describe("How many completions will be delivered again now."),
      capabilities: z.object({
        methods: z.array(z.string()),
        notifications: z.array(z.string()),
        maxMessageBytes: z.int().positive(),
        daemon: z
          .literal(true)
          .optional()
          .describe(
            "Set if the server is a daemon, which outlives this connection (section 2, The daemon).",
          ),
        levels: z
          .array(z.string())
          .optional()
          .describe(
            "What the server keeps beside the core: `durable`, `shared`, `daemon`; absent from servers that do not say.",
          ),
        offlineModel: z
          .boolean()
          .optional()
          .describe(
            "`false` if the server has no offline model; absent from servers that have it (section 10).",
          ),
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
        levels: ["core", "durable", "shared"],
      },
    },
  },
});
