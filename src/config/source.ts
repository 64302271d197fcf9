// The configuration of one workspace, or of the user alone, over time: read once, and again when a file has changed.
import { join } from "node:path";
import { identityOf, missingIdentity } from "../base/fileIdentity.js";
import { type ConfigScope, type LoadedConfig, loadWithIdentities, userFileOf } from "./load.js";
import { workspaceFileName } from "./paths.js";
import type { ResolvedConfig } from "./types.js";

/**
 * Gives the configuration as it is in the files now. Two `stat` calls tell whether the files have
 * changed. If not, `current` returns the same object, so that callers can compare with `===`. A
 * wrong file is an error at every call until it is corrected.
 */
export class ConfigSource {
  readonly #scope: ConfigScope;
  #loaded: LoadedConfig | undefined;

  constructor(scope: ConfigScope) {
    this.#scope = scope;
  }

  /** The configuration as it is now. Throws `ConfigInvalid`. */
  async current(): Promise<ResolvedConfig> {
    return this.unchanged() ?? this.reload();
  }

  /** The configuration that was read, as long as it is the one that the files have. */
  unchanged(): ResolvedConfig | undefined {
    const loaded = this.#loaded;
    if (loaded === undefined) return undefined;
    const userFile = userFileOf(this.#scope);
    const user = userFile === undefined ? missingIdentity : identityOf(userFile.path);
    const { workspacePath } = this.#scope;
    const workspace =
      workspacePath === undefined
        ? missingIdentity
        : identityOf(join(workspacePath, workspaceFileName));
    const isSame = user === loaded.identities.user && workspace === loaded.identities.workspace;
    return isSame ? loaded.config : undefined;
  }

  /** Reads the files again, changed or not. Throws `ConfigInvalid`. */
  async reload(): Promise<ResolvedConfig> {
    const loaded = await loadWithIdentities(this.#scope);
    this.#loaded = loaded;
    return loaded.config;
  }
}
