import * as z from "zod";
import { declareMethod } from "../declare.js";

/** `ping`, protocol.md section 2. */
export const ping = declareMethod({
  name: "ping",
  section: 2,
  summary: "Answers at once.",
  params: () => z.object({}),
  result: () => z.object({}),
  errors: [],
  example: { params: {}, result: {} },
});
