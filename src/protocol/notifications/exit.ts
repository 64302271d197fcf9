import * as z from "zod";
import { declareNotification } from "../declare.js";

/** `exit`, protocol.md section 2. */
export const exit = declareNotification({
  name: "exit",
  section: 2,
  summary: "Ends the process, with exit code 0 after `shutdown`, else 1.",
  direction: "clientToServer",
  params: () => z.object({}),
  example: {},
});
