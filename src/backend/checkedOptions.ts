// Checks whether the options of a run are allowed (protocol.md section 4, Options of a run). No option
// allows what the configuration forbids.
import { DomainError } from "../base/errors.js";
import { stricterMode } from "../base/stricterMode.js";
import { findModel } from "../config/models.js";
import { ruleForm, rulePattern } from "../config/rules.js";
import type { ResolvedConfig } from "../config/types.js";
import { cannotJoin } from "../coordinator/runOptions.js";
import type { Engine } from "../engine/engine.js";
import type { RunOptions } from "../protocol/objects/runOptions.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";
import { builtInEngine } from "./engineName.js";
import { modelOfEngine } from "./modelOfEngine.js";

/** The largest `outputSchema`, as JSON. */
const mostSchemaBytes = 64 * 1024;

/** Options, and the name under which the client sent them: `options`, or the session's `defaults`. */
export interface NamedOptions {
  readonly name: "options" | "defaults";
  readonly options: RunOptions;
}

/** Whether the configuration is needed to check them. */
export function needConfig({ model, permissionMode, onServerLoss }: RunOptions): boolean {
  return model !== undefined || permissionMode !== undefined || onServerLoss === "continue";
}

/**
 * Checks what options contain.
 *
 * @param config the present configuration. Undefined if it has a mistake; then the run reports it.
 * @throws DomainError `InvalidParams`, naming the option.
 */
export function checkContents({ name, options }: NamedOptions, config?: ResolvedConfig): void {
  for (const list of ["allow", "deny"] as const) {
    const rules = options.tools?.[list] ?? [];
    const wrong = rules.findIndex((rule) => !rulePattern.test(rule));
    if (wrong !== -1) throw invalidParam(`${name}.tools.${list}.${wrong}`, ruleForm);
  }
  refuseNoObject(name, options);
  if (name === "options" && options.whenBusy === "join" && cannotJoin(options)) {
    const message = "a run with other options cannot join a turn that has its own";
    throw invalidParam("options.whenBusy", message);
  }
  refuseMode(options.permissionMode, config?.maxMode, `${name}.permissionMode`);
}

/**
 * @param path the name under which the client sent the mode.
 * @throws DomainError `InvalidParams` if a mode is higher than the configuration allows.
 */
export function refuseMode(
  mode: PermissionMode | undefined,
  most: PermissionMode | undefined,
  path: string,
): void {
  if (mode === undefined || stricterMode(mode, most) === mode) return;
  const message = `the configuration allows no more than the mode ${most} (permissions.maxMode)`;
  throw invalidParam(path, message);
}

function refuseNoObject(name: string, { outputSchema }: RunOptions): void {
  const { type = "object" } = outputSchema ?? {};
  if (type !== "object") throw invalidParam(`${name}.outputSchema`, "its `type` must be `object`");
  if (isTooLarge(outputSchema)) {
    throw invalidParam(`${name}.outputSchema`, `it has more than ${mostSchemaBytes} bytes as JSON`);
  }
}

function isTooLarge(schema: RunOptions["outputSchema"]): boolean {
  return schema !== undefined && Buffer.byteLength(JSON.stringify(schema)) > mostSchemaBytes;
}

/**
 * Why the engine cannot use the schema of the options. Undefined if it can, or if {@link checkContents}
 * reports the problem. Rejects with the signal's reason.
 */
export async function outputProblem(
  { outputSchema }: RunOptions,
  engine: Pick<Engine, "outputProblem">,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (outputSchema === undefined || isTooLarge(outputSchema)) return undefined;
  return engine.outputProblem?.(outputSchema, signal);
}

/** @throws DomainError `InvalidParams` if there is a problem. */
export function refuseOutput(name: NamedOptions["name"], problem: string | undefined): void {
  if (problem === undefined) return;
  throw invalidParam(`${name}.outputSchema`, `it cannot be used: ${problem.replace(/\.$/, "")}`);
}

/** @throws DomainError `InvalidParams` if there is an option that the engine cannot follow. */
export function refuseForEngine(
  { name, options }: NamedOptions,
  engine: Pick<Engine, "optionProblem">,
): void {
  const problem = engine.optionProblem?.(options);
  if (problem !== undefined) throw invalidParam(`${name}.${problem.path}`, problem.message);
}

/**
 * @param engine the name of the engine that runs the turns.
 * @throws DomainError `ModelNotConfigured`
 */
export function checkModel(
  { options: { model } }: NamedOptions,
  engine: string,
  config?: ResolvedConfig,
): void {
  if (model === undefined) return;
  if (engine !== builtInEngine) modelOfEngine(engine, "large", model);
  else if (config !== undefined) findModel(config, model);
}

/** The error of one param whose contents are wrong. */
export function invalidParam(path: string, message: string): DomainError {
  return new DomainError("InvalidParams", `${path}: ${message}.`, {
    data: { issues: [{ path, message }] },
  });
}
