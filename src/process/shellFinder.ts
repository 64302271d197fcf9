import { mayRun } from "./findProgram.js";
import { findShell, shellLanguage } from "./shellArguments.js";

/** Finds the shell of commands; each look through a long search path takes as long as a command does. */
export class ShellFinder {
  #bash: { readonly searchPath: string | undefined; readonly path: string } | undefined;

  /** As {@link findShell}; a bash that was found before is taken for as long as it can be run. */
  async find(searchPath: string | undefined): Promise<string> {
    const known = this.#bash;
    if (known !== undefined && known.searchPath === searchPath && mayRun(known.path)) {
      return known.path;
    }
    const path = await findShell(searchPath);
    this.#bash = shellLanguage(path) === "bash" ? { searchPath, path } : undefined;
    return path;
  }
}
