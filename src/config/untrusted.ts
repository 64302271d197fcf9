// What the file of an untrusted workspace may set (protocol.md section 7). It may choose among the
// user's own models, deny more, and lower limits. Everything else is left out with a warning. So a
// cloned repository cannot run or read anything, redirect requests, or weaken rules.
import { defined } from "../base/defined.js";
import { workspaceFileName } from "./paths.js";
import { stricterSandbox } from "./sandbox.js";
import type { ConfigFile } from "./schema.js";
import type { Limits, SandboxSetting } from "./types.js";

/** The rest of the file, and what was left out. */
export interface Restricted {
  readonly file: ConfigFile;
  /** Warnings for the log: they name fields and ids of the file, no values. */
  readonly warnings: readonly string[];
}

/** The user's settings, with which the workspace's are compared. */
export interface UserSide {
  readonly hasModel: (provider: string, model: string) => boolean;
  readonly limits: Limits;
  readonly autoSummarize: boolean;
  readonly sandbox?: SandboxSetting;
}

/** Removes from an untrusted workspace's file everything that it may not set. */
export function restrictUntrusted(file: ConfigFile, user: UserSide): Restricted {
  const warnings: string[] = [];
  const leaveOut = (field: string, why = "the workspace is not trusted") => {
    warnings.push(`${workspaceFileName}: ${field} is ignored: ${why}`);
  };
  for (const id of Object.keys(file.providers ?? {})) leaveOut(`providers.${id}`);
  for (const id of Object.keys(file.mcpServers ?? {})) leaveOut(`mcpServers.${id}`);
  if (file.permissions?.mode !== undefined) leaveOut("permissions.mode");
  if (file.permissions?.allow?.length) leaveOut("permissions.allow");

  const restricted: ConfigFile = {
    models: chooseModels(file.models ?? {}, user, leaveOut),
    permissions: {
      deny: file.permissions?.deny ?? [],
      ...defined({ maxMode: file.permissions?.maxMode }),
      ...stricterSandbox(file.permissions ?? {}, user.sandbox, leaveOut),
    },
    limits: lowerLimits(file.limits ?? {}, user.limits, leaveOut),
  };
  if (file.autoSummarize === false) restricted.autoSummarize = false;
  // They are the workspace's own files, and not read from outside it.
  if (file.contextFiles !== undefined) restricted.contextFiles = file.contextFiles;
  if (file.summaryModel !== undefined) restricted.summaryModel = file.summaryModel;
  if (file.autoSummarize && !user.autoSummarize) {
    leaveOut("autoSummarize", "an untrusted workspace may turn it off, not on");
  }
  return { file: restricted, warnings };
}

const limitsOfRun = [
  "maxSteps",
  "maxCostUsd",
  "maxTokens",
  "maxSeconds",
  "providerIdleSeconds",
  "maxDenials",
  "toolSeconds",
] as const satisfies readonly (keyof Limits)[];

type LeaveOut = (field: string, why?: string) => void;
type Models = NonNullable<ConfigFile["models"]>;

function chooseModels(wanted: Models, user: UserSide, leaveOut: LeaveOut): Models {
  const chosen: Models = {};
  for (const size of ["large", "small"] as const) {
    const model = wanted[size];
    if (model === undefined) continue;
    if (user.hasModel(model.provider, model.model)) chosen[size] = model;
    else leaveOut(`models.${size}`, "the user's configuration has no such model");
  }
  return chosen;
}

function lowerLimits(
  wanted: NonNullable<ConfigFile["limits"]>,
  limits: Limits,
  leaveOut: LeaveOut,
): NonNullable<ConfigFile["limits"]> {
  const lowered: NonNullable<ConfigFile["limits"]> = {};
  for (const name of limitsOfRun) {
    const value = wanted[name];
    if (value === undefined) continue;
    if (value <= (limits[name] ?? Infinity)) lowered[name] = value;
    else leaveOut(`limits.${name}`, "an untrusted workspace may lower it, not raise it");
  }
  return lowered;
}
