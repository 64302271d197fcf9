import * as z from "zod";
import { declareNotification } from "../declare.js";
import { workspaceId } from "../objects/ids.js";

/** `workspaceClosed`, protocol.md section 6. */
export const workspaceClosed = declareNotification({
  name: "workspaceClosed",
  section: 6,
  summary: "A workspace was closed.",
  params: () => z.object({ workspaceId: workspaceId() }),
  example: { workspaceId: "ws_1f0c" },
});
