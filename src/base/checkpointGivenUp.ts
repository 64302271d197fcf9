import { DomainError } from "./errors.js";

/** The error `CheckpointNotFound` of a checkpoint that was given up (protocol.md section 4, Taking back). */
export function checkpointGivenUp(checkpointId: string): DomainError {
  return new DomainError(
    "CheckpointNotFound",
    `The checkpoint ${JSON.stringify(checkpointId)} was given up: what is kept for taking back was over limits.checkpointMegabytes, or older than limits.keepDays. listCheckpoints tells which are left.`,
    { data: { reason: "givenUp" } },
  );
}
