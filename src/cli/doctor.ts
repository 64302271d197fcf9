// `turnwire doctor` (docs/cli.md) reports what a server started here would find. It only reads, unless
// it is told to probe: it leaves nothing behind and writes nothing to the database. Keys are shown
// only as the names of their variables.
import { constants } from "node:fs";
import { access, mkdtemp, readlink, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "../base/clock.js";
import { DomainError, messageOf } from "../base/errors.js";
import type { Ids } from "../base/ids.js";
import { explainSystemError, systemErrorCode } from "../base/systemError.js";
import type { ConfigIssue } from "../config/configInvalid.js";
import { usualKeyVariables } from "../config/defaults.js";
import { loadConfig } from "../config/load.js";
import { findModel } from "../config/models.js";
import { userConfigPath, workspaceFileName } from "../config/paths.js";
import { type RedactedConfig, redact } from "../config/redact.js";
import type { ResolvedConfig } from "../config/types.js";
import { type Environment, isSet } from "../config/variables.js";
import { noDataDirectory } from "../storage/dataDirectory.js";
import type { OwnProcess } from "../storage/knownServers.js";
import { reportHolders } from "./doctorHolders.js";
import { reportRelays } from "./doctorRelays.js";
import { type DoctorReport, type DoctorVersions, JsonReport, TextReport } from "./doctorReport.js";

/** What `doctor` examines, and where it reports. */
export interface DoctorOptions {
  readonly env: Environment;
  /**
   * The folder whose `turnwire.json` is read. Undefined if none is named and the folder in which
   * this was started is gone.
   */
  readonly workspacePath: string | undefined;
  /** Absolute; undefined if none is named and there is no default. */
  readonly dataDir: string | undefined;
  /** The SQLite file; `turnwire.db` in the data directory by default. */
  readonly databaseFile?: string;
  /** Tells whether a server's process lives, if its lock does not tell. */
  readonly ownProcess?: OwnProcess;
  /** Whether the folder counts as trusted; false by default. */
  readonly trusted?: boolean;
  readonly versions: DoctorVersions;
  /** Asks the models and the tool servers too, by these. */
  readonly probe?: { readonly clock: Clock; readonly ids: Ids };
  /** Whether the report is one JSON object on one line. */
  readonly json?: boolean;
  /** Takes one line, without its end. */
  write(line: string): void;
}

/** The exit code: 0, or 1 when something would keep a server or an agent from working. */
export async function doctor(options: DoctorOptions): Promise<number> {
  const { versions, write, json = false } = options;
  const report = json ? new JsonReport(versions, write) : new TextReport(write);
  report.fact("turnwire", `${versions.turnwire}, protocol ${versions.protocol}`);
  report.fact("node", `${versions.node}, ${versions.platform}`);
  if (options.ownProcess?.processId === 1) {
    report.fact("process", "1: orphans are left as zombies; start the container with `--init`");
  }
  await reportDataDirectory(options, report);
  const config = await reportConfiguration(options, report);
  if (config !== undefined) reportResolved(config, redact(config), report);
  for (const variable of usualKeyVariables.values()) {
    report.fact("environment", `${variable} is ${isSet(variable, options.env) ? "" : "not "}set`);
  }
  if (options.probe !== undefined && config !== undefined)
    await reportProbes(options, config, report);
  return report.end();
}

async function reportProbes(
  { env, workspacePath, dataDir, versions, probe: asked }: DoctorOptions,
  config: ResolvedConfig,
  report: DoctorReport,
): Promise<void> {
  if (asked === undefined) return;
  const { probe } = await import("./doctorProbe.js");
  const version = versions.turnwire;
  report.probes(await probe({ config, env, workspacePath, dataDir, version, ...asked }));
}

async function reportDataDirectory(options: DoctorOptions, report: DoctorReport): Promise<void> {
  const { dataDir } = options;
  if (dataDir === undefined) {
    report.problem("data directory", noDataDirectory);
    return;
  }
  const { databaseFile = join(dataDir, "turnwire.db") } = options;
  const problem = (await folderProblem(dataDir)) ?? (await fileSystemProblem(dataDir));
  if (problem !== undefined) report.problem("data directory", problem);
  else {
    const state = (await isThere(dataDir)) ? "exists, can be written" : "will be created";
    report.fact("data directory", `${dataDir} (${state})`);
  }
  await reportDatabase(databaseFile, report);
  await reportHolders(dataDir, options.ownProcess, report);
  await reportRelays(dataDir, report);
}

/** Tries things that only a test can show, in a folder of its own that is removed again. */
async function fileSystemProblem(dataDir: string): Promise<string | undefined> {
  const existing = await nearestExisting(dataDir);
  try {
    const tried = await mkdtemp(join(existing, ".turnwire-doctor-"));
    try {
      const { fileSystemTrouble } = await import("../storage/folderProbe.js");
      return fileSystemTrouble(tried);
    } finally {
      await rm(tried, { recursive: true, force: true });
    }
  } catch (error) {
    return `nothing can be made in ${existing}: ${reasonOf(error)}`;
  }
}

async function nearestExisting(path: string): Promise<string> {
  let folder = path;
  while (!(await isThere(folder)) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

async function reportDatabase(file: string, report: DoctorReport): Promise<void> {
  try {
    const { size } = await stat(file);
    await access(file, constants.R_OK | constants.W_OK);
    report.fact("database", `${file} (${size} bytes)`);
  } catch (error) {
    if (isMissing(error)) report.fact("database", `${file} (none yet)`);
    else report.problem("database", `${file}: ${reasonOf(error)}`);
  }
}

/** Why a folder cannot be used or made; undefined if it probably can. */
async function folderProblem(path: string): Promise<string | undefined> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      if (!(await stat(folder)).isDirectory()) return `${folder} is not a folder`;
      await access(folder, constants.W_OK | constants.X_OK);
      return undefined;
    } catch (error) {
      if (!isMissing(error)) return `${folder} cannot be written: ${reasonOf(error)}`;
      const target = await readlink(folder).catch(() => undefined);
      if (target !== undefined) return `${folder} is a link to ${target}, which is not there`;
      if (dirname(folder) === folder) return `${folder} is not there`;
    }
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "");
}

function reasonOf(error: unknown): string {
  return explainSystemError(error) ?? messageOf(error);
}

async function reportConfiguration(
  options: DoctorOptions,
  report: DoctorReport,
): Promise<ResolvedConfig | undefined> {
  const { workspacePath, env, trusted = false } = options;
  const userFile = userConfigPath(env)?.path;
  if (userFile === undefined) report.fact("user file", "none: there is no home to look in");
  const files = [
    ...(userFile === undefined ? [] : [["user file", userFile, ""] as const]),
    ...(workspacePath === undefined
      ? []
      : [
          [
            "workspace file",
            join(workspacePath, workspaceFileName),
            trusted ? ", trusted" : ", not trusted",
          ] as const,
        ]),
  ];
  for (const [subject, path, note] of files) {
    await reportFile({ subject, path, note }, report);
  }
  if (workspacePath === undefined) {
    report.fact("workspace file", "none: the folder in which this was started is gone");
  }
  try {
    return await loadConfig({ workspacePath, trusted, env });
  } catch (error) {
    for (const line of linesOf(error)) report.problem("configuration", line);
    return undefined;
  }
}

async function reportFile(
  { subject, path, note }: { subject: string; path: string; note: string },
  report: DoctorReport,
): Promise<void> {
  try {
    if (!(await stat(path)).isFile()) return report.problem(subject, `${path} is no file`);
    await access(path, constants.R_OK);
    report.fact(subject, `${path} (found${note})`);
  } catch (error) {
    if (!isMissing(error)) return report.problem(subject, `${path}: ${reasonOf(error)}`);
    const target = await readlink(path).catch(() => undefined);
    if (target === undefined) report.fact(subject, `${path} (none)`);
    else report.problem(subject, `${path} is a link to ${target}, which is not there`);
  }
}

/** Every issue of a `ConfigInvalid`, not just the first that its message names. */
function linesOf(error: unknown): readonly string[] {
  if (!(error instanceof DomainError) || !Array.isArray(error.data.issues)) {
    return [messageOf(error)];
  }
  return error.data.issues.map(({ path, message }: ConfigIssue) =>
    [String(error.data.file), path, message].filter((part) => part !== "").join(": "),
  );
}

function reportResolved(config: ResolvedConfig, shown: RedactedConfig, report: DoctorReport): void {
  for (const provider of shown.providers) {
    const place = provider.baseUrl === undefined ? "" : ` at ${provider.baseUrl}`;
    const headers = provider.headers.length > 0 ? `, headers ${provider.headers.join(", ")}` : "";
    const key = provider.type === "offline" ? "" : `, key ${provider.apiKey}`;
    const models = `, models: ${provider.models.join(", ") || "none"}`;
    report.fact("provider", `${provider.id} (${provider.type}${place}${key}${headers})${models}`);
  }
  for (const [id, server] of Object.entries(shown.mcpServers)) {
    const place = "url" in server ? server.url : server.command;
    report.fact("tool server", `${id} (${place})`);
  }
  for (const [name, { type, place }] of Object.entries(shown.relays)) {
    report.fact("relay", `${name} (${type} at ${place}) is configured`);
  }
  const { mode, allow, deny } = { mode: shown.permissionMode ?? "ask", ...shown.permissionRules };
  report.fact("permissions", `${mode}, ${allow.length} allow rules, ${deny.length} deny rules`);
  for (const size of ["large", "small"] as const) {
    const selected = config.models[size];
    try {
      const { model } = findModel(config, selected);
      report.fact(`${size} model`, `${model.provider}/${model.id}`);
    } catch (error) {
      report.problem(`${size} model`, messageOf(error));
    }
  }
  for (const warning of shown.warnings) report.fact("warning", warning);
}
