import { DomainError } from "./errors.js";

/** `data.reason` of a `StorageFailed` where another program holds the database for writing. */
export const databaseLocked = "databaseLocked";

/** Whether another program holds the database: nothing was written, and the same can be tried again. */
export function isHeldElsewhere(error: unknown): error is DomainError {
  return error instanceof DomainError && error.data.reason === databaseLocked;
}
