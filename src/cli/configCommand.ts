/** `turnwire config`: shows which configuration is used, and its mistakes (docs/cli.md). */
import { join } from "node:path";
import { defined } from "../base/defined.js";
import { DomainError, messageOf } from "../base/errors.js";
import type { ConfigIssue } from "../config/configInvalid.js";
import { findWorkspaceFile, readConfigFile } from "../config/files.js";
import { loadConfig } from "../config/load.js";
import { findModel } from "../config/models.js";
import { parseConfigFile } from "../config/parse.js";
import { userConfigPath, workspaceFileName } from "../config/paths.js";
import type { ResolvedConfig } from "../config/types.js";
import type { ConfigurationIo } from "./modelsCommand.js";
import { exitCodes } from "./runOptions.js";
import { visibleLine } from "./visibleText.js";

export interface ConfigCommandOptions {
  readonly action: "path" | "check";
  /** The folder whose `turnwire.json` is used; by default the process's own. */
  readonly cwd?: string;
  readonly trust?: boolean;
  readonly json?: true;
}

/** One place of a configuration. */
interface ConfigPlace {
  readonly kind: "user" | "workspace";
  readonly path: string;
  readonly state: "found" | "none" | "unreadable";
  /** Whether `TURNWIRE_CONFIG` names it. */
  readonly isNamed: boolean;
}

/** One error. `line` and `field` are set if they are known. */
interface ConfigFault {
  readonly file: string;
  readonly line?: number;
  readonly field?: string;
  readonly message: string;
}

/** Prints the answer. Resolves with the exit code, which is 1 if `check` found an error. Never rejects. */
export async function configCommand(
  options: ConfigCommandOptions,
  io: ConfigurationIo,
): Promise<number> {
  const workspacePath = io.resolvePath(options.cwd ?? ".");
  return options.action === "path"
    ? tellPlaces(options, workspacePath, io)
    : check(options, workspacePath, io);
}

async function tellPlaces(
  { json, trust = false }: ConfigCommandOptions,
  workspacePath: string,
  io: ConfigurationIo,
): Promise<number> {
  const files = await placesOf(workspacePath, io);
  if (json) {
    io.writeOut(JSON.stringify({ files, isTrusted: trust }));
    return exitCodes.succeeded;
  }
  for (const { kind, path, state, isNamed } of files) {
    const by = isNamed ? ", named by TURNWIRE_CONFIG" : "";
    const trusted = kind === "workspace" ? (trust ? ", trusted" : ", not trusted") : "";
    io.writeOut(`${kind.padEnd(10)}${visibleLine(path)} (${state}${by}${trusted})`);
  }
  return exitCodes.succeeded;
}

/** The files that are used, in their order. A later one wins. Deny rules of all of them hold. */
async function placesOf(workspacePath: string, { env }: ConfigurationIo): Promise<ConfigPlace[]> {
  const user = userConfigPath(env);
  const places = user === undefined ? [] : [{ kind: "user" as const, ...user }];
  const workspace = join(workspacePath, workspaceFileName);
  const all = [...places, { kind: "workspace" as const, path: workspace, isNamed: false }];
  return Promise.all(
    all.map(async ({ kind, path, isNamed }) => {
      return { kind, path, state: await stateOf(kind, path, workspacePath), isNamed };
    }),
  );
}

async function stateOf(
  kind: ConfigPlace["kind"],
  path: string,
  workspacePath: string,
): Promise<ConfigPlace["state"]> {
  try {
    if (kind === "workspace" && (await findWorkspaceFile(workspacePath)).kind === "missing") {
      return "none";
    }
    return (await readConfigFile(path)) === undefined ? "none" : "found";
  } catch {
    // `check` says why it cannot be read.
    return "unreadable";
  }
}

async function check(
  { json, trust = false }: ConfigCommandOptions,
  workspacePath: string,
  io: ConfigurationIo,
): Promise<number> {
  const faults = [
    ...(await faultsOf(() =>
      loadConfig({ workspacePath: undefined, trusted: trust, env: io.env }),
    )),
    // This is a separate step, so that the mistakes of both files are shown.
    ...(await faultsOf(() => parseWorkspaceFile(workspacePath, trust))),
  ];
  const warnings: string[] = [];
  if (faults.length === 0) {
    faults.push(
      ...(await faultsOf(async () => {
        const config = await loadConfig({ workspacePath, trusted: trust, env: io.env });
        warnings.push(...config.warnings);
        checkModels(config);
      })),
    );
  }
  if (json) io.writeOut(JSON.stringify({ errors: faults, warnings }));
  else {
    for (const fault of faults) io.writeOut(faultLine(fault));
    for (const warning of warnings) io.writeError(`warning: ${visibleLine(warning)}`);
    if (faults.length === 0) io.writeError("The configuration is right.");
  }
  return faults.length === 0 ? exitCodes.succeeded : exitCodes.failed;
}

/** @throws DomainError `ConfigInvalid` if the workspace's file is used and has a mistake. */
async function parseWorkspaceFile(workspacePath: string, trust: boolean): Promise<void> {
  const found = await findWorkspaceFile(workspacePath);
  if (found.kind === "missing" || (found.kind === "outside" && !trust)) return;
  const file = await readConfigFile(found.path);
  if (file !== undefined) parseConfigFile(file.path, file.text);
}

/** @throws DomainError `ModelNotConfigured` if a choice names no model. */
function checkModels(config: ResolvedConfig): void {
  for (const size of ["large", "small"] as const) findModel(config, config.models[size]);
}

async function faultsOf(load: () => Promise<unknown>): Promise<ConfigFault[]> {
  try {
    await load();
    return [];
  } catch (error) {
    if (!(error instanceof DomainError) || !Array.isArray(error.data.issues)) {
      return [{ file: "", message: messageOf(error) }];
    }
    const file = String(error.data.file);
    return error.data.issues.map(({ path, message, line }: ConfigIssue) => ({
      file,
      ...defined({ line, field: path === "" ? undefined : path }),
      message,
    }));
  }
}

/** `FILE:LINE: FIELD: what is wrong`, as compilers write it. */
function faultLine({ file, line, field, message }: ConfigFault): string {
  const place = line === undefined ? file : `${file}:${line}`;
  return visibleLine([place, field, message].filter((part) => part).join(": "));
}
