import * as z from "zod";
import { declareMethod } from "../declare.js";
import { anyId } from "../objects/ids.js";

/** `acknowledge`, protocol.md section 4. */
export const acknowledge = declareMethod({
  name: "acknowledge",
  section: 4,
  summary: "Tells the server that the client has these completions. A second time is harmless.",
  alsoNotification: true,
  params: () => z.object({ completionIds: z.array(anyId()).max(10_000) }),
  result: () => z.object({ acknowledged: z.array(z.string()), unknown: z.array(z.string()) }),
  errors: ["StorageFailed"],
  example: {
    params: { completionIds: ["cmp_c3d4"] },
    result: { acknowledged: ["cmp_c3d4"], unknown: [] },
  },
});
