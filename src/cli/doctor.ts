// `turnwire doctor` (contract section 11): what a server started here would find. It reads and looks,
// writes nothing, does not open the database, and names keys by their variables alone.
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DomainError, messageOf } from "../base/errors.js";
import { identityOf, missingIdentity } from "../base/fileIdentity.js";
import type { ConfigIssue } from "../config/configInvalid.js";
import { usualKeyVariables } from "../config/defaults.js";
import { loadConfig } from "../config/load.js";
import { findModel } from "../config/models.js";
import { userConfigPath, workspaceFileName } from "../config/paths.js";
import { type RedactedConfig, redact } from "../config/redact.js";
import type { ResolvedConfig } from "../config/types.js";
import { type Environment, isSet } from "../config/variables.js";
import { noDataDirectory } from "../storage/dataDirectory.js";

/** What `doctor` looks at, and where it says what it found. */
export interface DoctorOptions {
  readonly env: Environment;
  /** The folder whose `turnwire.json` is read. */
  readonly cwd: string;
  /** Absolute; undefined where none is named and there is no place for one. */
  readonly dataDir: string | undefined;
  /** The SQLite file; `turnwire.db` in the data directory unless told. */
  readonly databaseFile?: string;
  /** Whether the folder is taken as trusted; not unless told. */
  readonly trusted?: boolean;
  readonly versions: {
    readonly turnwire: string;
    readonly protocol: number;
    readonly node: string;
    readonly platform: string;
  };
  /** Takes one line, without its end. */
  write(line: string): void;
}

/** The exit code: 0, or 1 when something would keep a server or an agent from working. */
export async function doctor(options: DoctorOptions): Promise<number> {
  const report = new Report(options.write);
  const { versions } = options;
  report.fact("turnwire", `${versions.turnwire}, protocol ${versions.protocol}`);
  report.fact("node", `${versions.node}, ${versions.platform}`);
  await reportDataDirectory(options, report);
  const config = await reportConfiguration(options, report);
  if (config !== undefined) reportResolved(config, redact(config), report);
  for (const variable of usualKeyVariables.values()) {
    report.fact("environment", `${variable} is ${isSet(variable, options.env) ? "" : "not "}set`);
  }
  return report.end();
}

class Report {
  readonly #write: (line: string) => void;
  #problems = 0;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  fact(subject: string, text: string): void {
    this.#write(`${subject.padEnd(16)}${text}`);
  }

  problem(subject: string, text: string): void {
    this.#problems += 1;
    this.fact(subject, `PROBLEM: ${text}`);
  }

  end(): number {
    this.#write(this.#problems === 0 ? "all well" : `${this.#problems} to put right`);
    return this.#problems === 0 ? 0 : 1;
  }
}

async function reportDataDirectory(options: DoctorOptions, report: Report): Promise<void> {
  const { dataDir } = options;
  if (dataDir === undefined) {
    report.problem("data directory", noDataDirectory);
    return;
  }
  const { databaseFile = join(dataDir, "turnwire.db") } = options;
  const existing = await nearestExisting(dataDir);
  if (!existing.isDirectory) {
    report.problem("data directory", `${existing.path} is not a folder`);
  } else if (!(await isWritable(existing.path))) {
    report.problem("data directory", `${existing.path} cannot be written`);
  } else {
    const state = existing.path === dataDir ? "exists, can be written" : "will be created";
    report.fact("data directory", `${dataDir} (${state})`);
  }
  const size = await sizeOf(databaseFile);
  report.fact("database", `${databaseFile} (${size === undefined ? "none yet" : `${size} bytes`})`);
}

/** The path, or the closest folder above it that is there. */
async function nearestExisting(path: string): Promise<{ path: string; isDirectory: boolean }> {
  try {
    return { path, isDirectory: (await stat(path)).isDirectory() };
  } catch {
    const parent = dirname(path);
    return parent === path ? { path, isDirectory: false } : nearestExisting(parent);
  }
}

function isWritable(path: string): Promise<boolean> {
  return access(path, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}

function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

async function reportConfiguration(
  options: DoctorOptions,
  report: Report,
): Promise<ResolvedConfig | undefined> {
  const { cwd, env, trusted = false } = options;
  const userFile = userConfigPath(env)?.path;
  if (userFile === undefined) report.fact("user file", "none: there is no home to look in");
  const files = [
    ...(userFile === undefined ? [] : [["user file", userFile, ""] as const]),
    ["workspace file", join(cwd, workspaceFileName), trusted ? ", trusted" : ", not trusted"],
  ] as const;
  for (const [subject, path, note] of files) {
    const isThere = identityOf(path) !== missingIdentity;
    report.fact(subject, `${path} (${isThere ? `found${note}` : "none"})`);
  }
  try {
    return await loadConfig({ workspacePath: cwd, trusted, env });
  } catch (error) {
    for (const line of linesOf(error)) report.problem("configuration", line);
    return undefined;
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

function reportResolved(config: ResolvedConfig, shown: RedactedConfig, report: Report): void {
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
