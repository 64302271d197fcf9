import * as z from "zod";
import { declareNotification } from "../declare.js";
import { sessionEvent } from "../objects/ids.js";
import { PermissionChoice } from "../objects/permissionChoice.js";

/** `permissionResolved`, protocol.md section 6. */
export const permissionResolved = declareNotification({
  name: "permissionResolved",
  section: 6,
  summary: "A question was answered, or withdrawn.",
  params: () =>
    z.object({
      ...sessionEvent(),
      permissionId: z.string(),
      decision: PermissionChoice(),
    }),
  example: {
    workspaceId: "ws_1f0c",
    sessionId: "ses_7a2b",
    runId: "r-1",
    permissionId: "per_6d2e",
    decision: "allow",
  },
});
