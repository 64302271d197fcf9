import { DomainError } from "../base/errors.js";
import type { SelectedModel } from "../protocol/objects/model.js";

/**
 * A model of an engine that is not the built-in one.
 *
 * @throws DomainError `ModelNotConfigured` if it cannot be a model of the engine's.
 */
export function modelOfEngine(
  engine: string,
  type: "large" | "small",
  selected: SelectedModel,
): SelectedModel {
  if (type === "large" && selected.provider === engine) return selected;
  const message = `The engine ${engine} uses models of its own: only its large model can be chosen, with the provider ${engine}.`;
  throw new DomainError("ModelNotConfigured", message);
}
