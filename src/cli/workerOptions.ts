/** What `turnwire worker` can be asked for (docs/cli.md). */
import type { PermissionMode } from "../protocol/objects/workspace.js";

export interface WorkerCommandOptions {
  readonly dataDir?: string;
  /** The address of NATS; without it, the worker of the user's configuration. */
  readonly nats?: string;
  /** The stream of the completions. */
  readonly completions: string;
  readonly queue?: string;
  readonly consumer?: string;
  /** Each is `NAME=PATH`. */
  readonly workspace?: readonly { readonly name: string; readonly path: string }[];
  readonly permissionMode?: PermissionMode;
  readonly maxConcurrent?: number;
  readonly logLevel: string;
}
