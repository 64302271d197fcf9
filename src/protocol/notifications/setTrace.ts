import * as z from "zod";
import { declareNotification } from "../declare.js";
import { traceValue } from "../objects/traceValue.js";

/** `$/setTrace`, protocol.md section 2. */
export const setTrace = declareNotification({
  name: "$/setTrace",
  section: 2,
  summary: "Says how much the client wants to hear of this connection's messages.",
  direction: "clientToServer",
  params: () => z.object({ value: traceValue() }),
  example: { value: "verbose" },
});
