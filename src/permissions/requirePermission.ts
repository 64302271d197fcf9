// Asks for permission. Every tool does so before it acts.
import { InputChanged } from "../base/inputChanged.js";
import type { PermissionNeed, Permissions } from "./types.js";

/**
 * Permission was refused. The message is written for the model. It counts towards
 * `limits.maxDenials`.
 */
export class PermissionRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = "PermissionRefused";
  }
}

/** The tool call that wants to act, and the gate that decides about it. */
export interface AskingCall {
  readonly toolCallId: string;
  readonly permissions: Permissions;
  /** Aborted when the turn is cancelled. */
  readonly signal: AbortSignal;
}

/**
 * Asks for a permission.
 * @throws PermissionRefused when it is refused; InputChanged when something else is allowed; the
 *   signal's reason when the turn is cancelled.
 */
export async function requirePermission(
  call: AskingCall,
  need: Omit<PermissionNeed, "toolCallId">,
): Promise<void> {
  const verdict = await call.permissions.check(
    { ...need, toolCallId: call.toolCallId },
    call.signal,
  );
  if (!verdict.allowed) throw new PermissionRefused(verdict.message);
  if (verdict.input !== undefined) throw new InputChanged(verdict.input);
}
