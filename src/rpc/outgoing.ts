import type { RunComplete } from "../protocol/objects/run.js";
import type { LossyEvent } from "../protocol/registry.js";

/** A notification that the server sends. */
export type Outgoing =
  | LossyEvent
  | { readonly method: "runComplete"; readonly params: RunComplete };
