import * as z from "zod";
import { declareNotification } from "../declare.js";

/** `eventsDropped`, protocol.md section 6. */
export const eventsDropped = declareNotification({
  name: "eventsDropped",
  section: 6,
  summary:
    "How many events were dropped since the last `eventsDropped`, because the client reads slowly.",
  params: () => z.object({ count: z.int().positive() }),
  example: { count: 12 },
});
