import * as z from "zod";
import { declareMethod } from "../declare.js";

/** `shutdown`, protocol.md section 2. */
export const shutdown = declareMethod({
  name: "shutdown",
  section: 2,
  summary:
    "Ends every turn, then answers. From its arrival on, other requests get `ServerShuttingDown`.",
  params: () => z.object({}),
  result: () => z.object({}),
  errors: [],
  example: { params: {}, result: {} },
});
