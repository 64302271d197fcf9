// The folders of a user, in which everything else is looked for. A value that is not absolute
// counts as not set. It would be relative to the working directory, which may be an untrusted
// repository; then that repository's files would count as the user's own.
import { tmpdir, userInfo } from "node:os";
import { posix, win32 } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The folder that a variable names. Undefined if the variable is unset, empty or not an absolute
 * path on this platform.
 */
export function folderOf(
  env: Environment,
  variable: string,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  return absolute(env[variable], platform);
}

/**
 * The user's home: `$HOME` (`%USERPROFILE%` on Windows), else the home of the account in the
 * operating system. Undefined if there is none. Never throws.
 *
 * @param accountHome asks the operating system; may throw.
 */
export function homeFolder(
  env: Environment,
  platform: NodeJS.Platform = process.platform,
  accountHome: () => string = () => userInfo().homedir,
): string | undefined {
  const named = folderOf(env, platform === "win32" ? "USERPROFILE" : "HOME", platform);
  if (named !== undefined) return named;
  try {
    return absolute(accountHome(), platform);
  } catch {
    // A user id without an account, as containers have it: there is no home.
    return undefined;
  }
}

/** The folder for temporary files. It is always absolute, even if `$TMPDIR` is not. */
export function temporaryFolder(): string {
  const folder = tmpdir();
  return absolute(folder, process.platform) ?? (process.platform === "win32" ? folder : "/tmp");
}

function absolute(path: string | undefined, platform: NodeJS.Platform): string | undefined {
  const { isAbsolute } = platform === "win32" ? win32 : posix;
  return path !== undefined && isAbsolute(path) ? path : undefined;
}
