import * as z from "zod";
import { declareMethod } from "../declare.js";
import { anyId } from "../objects/ids.js";
import { requestPermission } from "./requestPermission.js";

/** `answerPermission`, protocol.md section 7. */
export const answerPermission = declareMethod({
  name: "answerPermission",
  section: 7,
  summary: "Answers an open question of this client, as the answer to `requestPermission` would.",
  params: () => requestPermission.result().safeExtend({ permissionId: anyId() }),
  result: () => z.object({}),
  errors: ["PermissionNotFound", "StorageFailed"],
  example: { params: { permissionId: "per_6d2e", decision: "allow" }, result: {} },
});
