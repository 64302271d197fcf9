import * as z from "zod";
import { declareMethod } from "../declare.js";
import { anyId } from "../objects/ids.js";
import { requestPermission } from "./requestPermission.js";

/** `listPermissions`, protocol.md section 7. */
export const listPermissions = declareMethod({
  name: "listPermissions",
  section: 7,
  summary: "This client's open questions, the oldest first, whichever server asks them.",
  params: () => z.object({ workspaceId: anyId().optional(), sessionId: anyId().optional() }),
  result: () =>
    z.object({
      permissions: z.array(
        requestPermission.params().extend({
          askedAt: z.iso.datetime().describe("RFC 3339, UTC."),
          expiresAt: z.iso
            .datetime()
            .optional()
            .describe("When it is denied. Absent while a connection of the client lives."),
        }),
      ),
    }),
  errors: ["StorageFailed"],
  example: {
    params: {},
    result: {
      permissions: [
        {
          ...requestPermission.example.params,
          askedAt: "2026-11-01T09:30:00.000Z",
          expiresAt: "2026-11-01T21:30:00.000Z",
        },
      ],
    },
  },
});
