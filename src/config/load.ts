// Reading the configuration of a workspace from its files (protocol.md section 10).
import { isAbsolute } from "node:path";
import { settingsVariable } from "../base/configFiles.js";
import { missingIdentity } from "../base/fileIdentity.js";
import { configInvalid } from "./configInvalid.js";
import { findWorkspaceFile, type ReadFile, readConfigFile } from "./files.js";
import { type UserConfigPath, userConfigPath, workspaceFileName } from "./paths.js";
import type { ConfigFile } from "./schema.js";
import type { ResolvedConfig } from "./types.js";
import type { Environment } from "./variables.js";

/** Whose configuration is loaded, and in which environment. */
export interface ConfigScope {
  /** The workspace's real path; undefined to read the user's file alone. */
  readonly workspacePath: string | undefined;
  readonly trusted: boolean;
  /** The server's environment, with `createWorkspace.env` over it. */
  readonly env: Environment;
  /** The user's file, instead of the one that the environment names. It must exist. */
  readonly userConfigPath?: string;
}

/** A configuration, and the identities of its files at that time. */
export interface LoadedConfig {
  readonly config: ResolvedConfig;
  /** Changes when a file does; see `identityOf`. */
  readonly identities: { readonly user: string; readonly workspace: string };
}

/**
 * Loads the configuration of a workspace. Throws `ConfigInvalid` if a file is wrong or cannot be
 * read. This includes the file of an untrusted workspace: it might contain a deny rule.
 */
export async function loadConfig(scope: ConfigScope): Promise<ResolvedConfig> {
  return (await loadWithIdentities(scope)).config;
}

/** Like {@link loadConfig}, with the identities that are needed to notice a later change. */
export async function loadWithIdentities(scope: ConfigScope): Promise<LoadedConfig> {
  const [user, workspace, { resolveConfig }] = await Promise.all([
    readUserFile(scope),
    readWorkspaceFile(scope),
    // A server answers `initialize` before anybody needs the code that reads a configuration.
    import("./resolve.js"),
  ]);
  const config = resolveConfig({
    user: await parseUser(user, scope.env),
    workspace: await parse(workspace.file),
    trusted: scope.trusted,
    env: scope.env,
  });
  return {
    config: { ...config, warnings: [...workspace.warnings, ...config.warnings] },
    identities: {
      user: user?.identity ?? missingIdentity,
      workspace: workspace.identity,
    },
  };
}

/** The user's file; undefined if there is no folder to look in. */
export function userFileOf(scope: ConfigScope): UserConfigPath | undefined {
  return scope.userConfigPath === undefined
    ? userConfigPath(scope.env)
    : { path: scope.userConfigPath, isNamed: true };
}

async function readUserFile(scope: ConfigScope): Promise<ReadFile | undefined> {
  const found = userFileOf(scope);
  if (found === undefined) return undefined;
  const { path, isNamed } = found;
  if (!isAbsolute(path)) {
    const message = "the user's file must be named by an absolute path (TURNWIRE_CONFIG)";
    throw configInvalid(path, [{ path: "", message }]);
  }
  const file = await readConfigFile(path);
  if (file === undefined && isNamed) {
    throw configInvalid(path, [{ path: "", message: "there is no such file" }]);
  }
  return file;
}

interface WorkspaceRead {
  readonly file: ReadFile | undefined;
  readonly identity: string;
  readonly warnings: readonly string[];
}

async function readWorkspaceFile(scope: ConfigScope): Promise<WorkspaceRead> {
  const { workspacePath } = scope;
  const found =
    workspacePath === undefined
      ? ({ kind: "missing" } as const)
      : await findWorkspaceFile(workspacePath);
  if (found.kind === "missing") {
    return { file: undefined, identity: missingIdentity, warnings: [] };
  }
  if (found.kind === "outside" && !scope.trusted) {
    const warning = `${workspaceFileName} is ignored: it links to a file outside the workspace, which is not trusted`;
    return { file: undefined, identity: found.identity, warnings: [warning] };
  }
  const file = await readConfigFile(found.path);
  return { file, identity: file?.identity ?? missingIdentity, warnings: [] };
}

async function parseUser(file: ReadFile | undefined, env: Environment): Promise<ConfigFile> {
  const settings = env[settingsVariable];
  if (!settings) return parse(file);
  const { parseWithSettings } = await import("./settings.js");
  return parseWithSettings(file, settings);
}

async function parse(file: ReadFile | undefined): Promise<ConfigFile> {
  if (file === undefined) return {};
  const { parseConfigFile } = await import("./parse.js");
  return parseConfigFile(file.path, file.text);
}
