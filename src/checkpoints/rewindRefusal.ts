// When a session is not rewound (protocol.md section 4, Taking back).
import { checkpointGivenUp } from "../base/checkpointGivenUp.js";
import { DomainError } from "../base/errors.js";
import type { CheckpointRow } from "../storage/checkpointRow.js";
import type { CheckpointParts } from "./checkpointParts.js";

/** The part of a rewind that there may be reasons against. */
interface Rewound {
  readonly checkpoint: CheckpointRow;
  readonly workspaceId: string;
  readonly force: boolean;
  readonly isOwnRun?: boolean;
}

/** @throws DomainError as `Rewinder.rewind`, for what holds now. */
export function refuseRewind(
  { runs, store }: Pick<CheckpointParts, "runs" | "store">,
  { checkpoint, workspaceId, force, isOwnRun }: Rewound,
): void {
  const { sessionId, position } = checkpoint;
  if (
    (isOwnRun !== true && store.rewinds.isRunOpen(sessionId)) ||
    runs.isSubTask(sessionId) ||
    store.rewinds.serverOf(sessionId) !== undefined ||
    store.forks.isCopied(sessionId)
  )
    throw busy();
  if (force && store.rewinds.isAnyRunOpen(workspaceId)) {
    throw new DomainError(
      "SessionBusy",
      "A turn runs in this workspace: `force` waits until none does, since it may write over what that turn is at.",
    );
  }
  if (store.givenUp.has(position)) throw checkpointGivenUp(checkpoint.id);
}

/** Something else is under way in the session. */
export function busy(): DomainError {
  return new DomainError(
    "SessionBusy",
    "A run, a rewind or a fork of this session is under way; try again when it is over.",
  );
}
