// The permission modes of one workspace and of its runs (protocol.md section 7).
import { stricterMode } from "../base/stricterMode.js";
import type { PermissionRules, ResolvedConfig } from "../config/types.js";
import type { RunTerms } from "../coordinator/runTerms.js";
import type { EngineSetup } from "../engine/setup.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";
import { refuseMode } from "./checkedOptions.js";
import { RunMode } from "./runMode.js";

/** A run that was taken over from another server. */
interface TakenRun {
  /** What it may at most. */
  readonly terms?: RunTerms;
  /** Whether its client has not opened the workspace here, and so has set no mode. */
  readonly isAlone?: boolean;
  onLeavePlan?(mode: PermissionMode): void;
}

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
   * @param taken what a run that was taken over from another server may at most.
   */
  ofRun(
    own: PermissionMode | undefined,
    configuration: () => Promise<ResolvedConfig>,
    taken: TakenRun = {},
  ): EngineSetup["permissions"] {
    const { terms } = taken;
    let atMost = terms?.mode;
    const most = () => (atMost === undefined ? this.#most : stricterMode(atMost, this.#most));
    const ofClient = terms?.hasLeftPlan ? undefined : own;
    const asked = taken.isAlone === true ? (terms?.mode ?? own) : ofClient;
    const mode = new RunMode({ own: asked, workspace: () => this.now, most });
    return {
      mode: () => mode.now(),
      leavePlan: () => {
        // A run that was taken over in the mode `plan` goes on in what is allowed at present.
        if (atMost === "plan") atMost = undefined;
        mode.leavePlan();
        taken.onLeavePlan?.(mode.now());
      },
      // A deny rule applies from the moment at which it is written, and so does `maxMode`.
      rules: async () => {
        const config = await configuration();
        this.bound(config);
        return narrowedRules(config.permissionRules, terms?.rules);
      },
    };
  }
}

/** What the present rules and those of before allow both, and what either of them denies. */
function narrowedRules(now: PermissionRules, before: RunTerms["rules"]): PermissionRules {
  if (before === undefined) return now;
  const allow = now.allow.filter((rule) => before.allow.includes(rule));
  return { ...now, allow, deny: [...new Set([...now.deny, ...before.deny])] };
}
