// The permission modes of one workspace and of its runs (protocol.md section 7).
import { stricterMode } from "../config/modes.js";
import type { ResolvedConfig } from "../config/types.js";
import type { EngineSetup } from "../engine/setup.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";
import { refuseMode } from "./checkedOptions.js";
import { RunMode } from "./runMode.js";

/** Knows how a client's runs in a workspace treat tools that could do harm. */
export class WorkspaceModes {
  #byHand: PermissionMode | undefined;
  #configured: PermissionMode = "ask";
  #most: PermissionMode | undefined;

  /** `byHand` is the mode that a client has set. Undefined if the configuration decides. */
  constructor(byHand: PermissionMode | undefined) {
    this.#byHand = byHand;
  }

  /** The present mode of the workspace. */
  get now(): PermissionMode {
    return stricterMode(this.#byHand ?? this.#configured, this.#most);
  }

  /** A client sets the mode. */
  set(mode: PermissionMode): void {
    this.#byHand = mode;
  }

  /** Takes over the mode of a configuration. */
  choose(config: ResolvedConfig): void {
    this.#configured = config.permissionMode ?? "ask";
    this.bound(config);
  }

  /** Takes over `permissions.maxMode` of a configuration. */
  bound({ maxMode }: Pick<ResolvedConfig, "maxMode">): void {
    this.#most = maxMode;
  }

  /** @throws DomainError `InvalidParams` if the configuration forbids the mode. */
  refuse(mode: PermissionMode): void {
    refuseMode(mode, this.#most, "mode");
  }

  /**
   * The permissions of one run.
   *
   * @param own the mode that it asks for.
   * @param configuration reads the present configuration.
   */
  ofRun(
    own: PermissionMode | undefined,
    configuration: () => Promise<ResolvedConfig>,
  ): EngineSetup["permissions"] {
    const mode = new RunMode({ own, workspace: () => this.now, most: () => this.#most });
    return {
      mode: () => mode.now(),
      leavePlan: () => mode.leavePlan(),
      // A deny rule applies from the moment at which it is written, and so does `maxMode`.
      rules: async () => {
        const config = await configuration();
        this.bound(config);
        return config.permissionRules;
      },
    };
  }
}
