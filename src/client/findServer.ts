/**
 * Finds the server: in the package of this library, among the packages that a program ships, or on the
 * PATH of the machine.
 *
 * It never looks in the working directory. That may be somebody else's repository, and opening it must
 * not run a program of it.
 */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { argv, env as ownEnv, platform } from "node:process";

/** The folder of this file, if the module system tells it. In a bundle it may not. */
declare const __dirname: string | undefined;

const launcher = join("bin", "turnwire.js");

/** No server was found where one was looked for. */
export class ServerNotFoundError extends Error {
  override readonly name = "ServerNotFound";
}

/** Where to look for the server. */
export interface FindServerOptions {
  /**
   * A folder of the program that ships the server: its own folder, as `context.extensionPath` of an
   * editor's extension, with the package in its `node_modules`; or the folder of the package.
   */
  readonly from?: string;
}

/**
 * The path of the server's launcher, for `SpawnOptions.server`. Without `from` it is the launcher of
 * this library's own package. If the library was bundled into another program, it is the launcher of
 * the package that is installed for that program's file.
 *
 * @throws ServerNotFoundError if there is none. It says where it looked and what to do.
 */
export function findServer({ from }: FindServerOptions = {}): string {
  const looked: string[] = [];
  const found =
    from === undefined
      ? (besideThis(looked) ?? amongPackages(ownFolders(), looked))
      : (inPackage(resolve(from), looked) ?? amongPackages([resolve(from)], looked));
  if (found !== undefined) return found;
  throw new ServerNotFoundError(
    `the server was not found (looked for ${looked.join(", ")}). Ship the package \`turnwire\` with your program, as one of its \`dependencies\`, and name the program's folder: \`findServer({ from })\`. Or name a server with \`command\`.`,
  );
}

/**
 * The path of a `turnwire` that is installed on this machine, for `SpawnOptions.command`. Undefined
 * if the PATH has none. Folders of the PATH that are not absolute are skipped.
 */
export function findInstalledServer(
  env: Readonly<Record<string, string | undefined>> = ownEnv,
): string | undefined {
  const path = env.PATH ?? env.Path ?? "";
  const names = platform === "win32" ? ["turnwire.cmd", "turnwire.exe"] : ["turnwire"];
  return path
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find(isProgram);
}

/** The launcher beside this code, in the package or in a clone of it. */
function besideThis(looked: string[]): string | undefined {
  if (typeof __dirname !== "string") return undefined;
  const folder = __dirname;
  return ["..", join("..", "..")]
    .map((up) => join(folder, up))
    .map((above) => inPackage(above, looked))
    .find((found) => found !== undefined);
}

/** The launcher in a folder that is the package itself. */
function inPackage(folder: string, looked: string[]): string | undefined {
  const path = join(folder, launcher);
  looked.push(path);
  return existsSync(path) ? path : undefined;
}

/** The launcher of the package that is installed for one of the folders, or above it. */
function amongPackages(folders: readonly string[], looked: string[]): string | undefined {
  for (const folder of folders) {
    looked.push(join(folder, "node_modules", "turnwire"));
    try {
      const manifest = createRequire(join(folder, "noop.js")).resolve("turnwire/package.json");
      const path = join(dirname(manifest), launcher);
      if (existsSync(path)) return path;
    } catch {
      // It is not installed there. The error that is thrown in the end names every folder.
    }
  }
  return undefined;
}

/** The folder of the bundle that this code is in, and that of the program that was started. */
function ownFolders(): string[] {
  const program = argv[1];
  return [
    ...(typeof __dirname === "string" ? [__dirname] : []),
    ...(program !== undefined && isAbsolute(program) ? [dirname(program)] : []),
  ];
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
