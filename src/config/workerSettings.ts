// The settings of a worker, with their defaults (docs/fleet.md).
import type { PermissionMode } from "../protocol/objects/workspace.js";

/** What a worker is told. */
export interface WorkerSettings {
  /** The relay that carries its completions; undefined: the one of type `nats`. */
  readonly relay?: string;
  readonly stream: string;
  readonly consumer: string;
  readonly subject: string;
  readonly workspaces: readonly { readonly name: string; readonly path: string }[];
  readonly permissionMode: PermissionMode;
  readonly maxConcurrent: number;
}

/** The settings, with defaults for what is not told. */
export function workerSettings(
  told: Pick<WorkerSettings, "workspaces"> & Partial<WorkerSettings>,
): WorkerSettings {
  return {
    stream: "TURNWIRE_PROMPTS",
    consumer: "workers",
    subject: "turnwire.prompts",
    permissionMode: "ask",
    maxConcurrent: 4,
    ...told,
  };
}
