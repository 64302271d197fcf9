import { declareNotification } from "../declare.js";
import { completion } from "../objects/examples.js";
import { RunComplete } from "../objects/run.js";

/** `runComplete`, protocol.md section 5. */
export const runComplete = declareNotification({
  name: "runComplete",
  section: 5,
  summary:
    "The terminal record of a turn. It is on disk before it is sent, and is sent again until it is acknowledged.",
  delivery: "durable",
  params: () => RunComplete(),
  example: completion,
});
