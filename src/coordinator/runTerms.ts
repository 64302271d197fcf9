// The terms under which a run was accepted, if it goes on after the loss of its server (protocol.md
// section 4, Going on after a loss). A server that goes on with it allows no more than they do.
import { defined } from "../base/defined.js";
import { isNestedDeeper } from "../base/jsonDepth.js";
import { stricterMode } from "../base/stricterMode.js";
import type { SelectedModel } from "../protocol/objects/model.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";

/** Every mode; the value says nothing. */
const modes: Readonly<Record<PermissionMode, true>> = {
  deny: true,
  plan: true,
  ask: true,
  acceptEdits: true,
  allow: true,
};

/** What held when a run was accepted. */
export interface RunTerms {
  /** The effective mode; after an accepted plan, the mode in which the run went on. */
  readonly mode: PermissionMode;
  /** Whether the run has left the mode `plan`. */
  readonly hasLeftPlan?: boolean;
  /** The rules of the configuration files; absent if they could not be read. */
  readonly rules?: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  /** The large model of the run; absent if it was not known. */
  readonly model?: SelectedModel;
  /** Whether the workspace was trusted. */
  readonly trusted: boolean;
  /** The names of `createWorkspace.env`. Their values are never stored. */
  readonly env: readonly string[];
}

/** Terms in their stored form. */
export function termsText(terms: RunTerms): string {
  return JSON.stringify(terms);
}

/** What both allow: the terms of a turn that runs of others have joined. Its model is the first one's. */
export function stricterTerms(turn: RunTerms, joining: RunTerms): RunTerms {
  return {
    mode: stricterMode(turn.mode, joining.mode),
    trusted: turn.trusted && joining.trusted,
    env: [...new Set([...turn.env, ...joining.env])],
    ...defined({
      model: turn.model ?? joining.model,
      rules: stricterRules(turn.rules, joining.rules),
    }),
  };
}

function stricterRules(one: RunTerms["rules"], other: RunTerms["rules"]): RunTerms["rules"] {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    allow: one.allow.filter((rule) => other.allow.includes(rule)),
    deny: [...new Set([...one.deny, ...other.deny])],
  };
}

/** Terms from their stored form; undefined if that is damaged. */
export function storedTerms(text: string | undefined): RunTerms | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    if (typeof value !== "object" || value === null || isNestedDeeper(value)) return undefined;
    const { mode, hasLeftPlan, rules, model, trusted, env } = value as Record<string, unknown>;
    if (!isMode(mode) || typeof trusted !== "boolean" || !isTexts(env)) return undefined;
    if (!(rules === undefined || isRules(rules)) || !(model === undefined || isModel(model))) {
      return undefined;
    }
    const isLeft = hasLeftPlan === true ? true : undefined;
    return {
      mode,
      trusted,
      env,
      ...defined({ hasLeftPlan: isLeft, rules, model }),
    };
  } catch {
    // What is no JSON is damaged. The run is ended for that reason.
    return undefined;
  }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isMode(value: unknown): value is PermissionMode {
  return typeof value === "string" && Object.hasOwn(modes, value);
}

function isRules(value: unknown): value is NonNullable<RunTerms["rules"]> {
  if (typeof value !== "object" || value === null) return false;
  const { allow, deny } = value as Record<string, unknown>;
  return isTexts(allow) && isTexts(deny);
}

function isModel(value: unknown): value is SelectedModel {
  if (typeof value !== "object" || value === null) return false;
  const { provider, model } = value as Record<string, unknown>;
  return typeof provider === "string" && typeof model === "string";
}
