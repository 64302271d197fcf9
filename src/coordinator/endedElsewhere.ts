import { DomainError } from "../base/errors.js";

/** Another server goes on with the run. This one must write nothing of it any more. */
export function takenOver(): DomainError {
  return new DomainError("EngineFailed", "Another server goes on with this run.");
}

/**
 * Another server took this one for dead. The run has its completion already, and must not run
 * again.
 */
export function endedElsewhere(): DomainError {
  return new DomainError("EngineFailed", "Another server has ended this run as interrupted.");
}
