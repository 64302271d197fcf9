// The agent of one workspace for clients: whether it is ready, and its models.

import { defined } from "../base/defined.js";
import type { Log } from "../base/log.js";

import { findModel } from "../config/models.js";
import { sandboxUnavailable } from "../config/sandbox.js";
import type { ConfigSource } from "../config/source.js";
import type { Limits, ResolvedConfig } from "../config/types.js";
import type { EngineSetup } from "../engine/setup.js";
import type { AgentInfo, SandboxInfo, SelectedModel } from "../protocol/objects/model.js";
import { builtInEngine } from "./engineName.js";
import { modelOfEngine } from "./modelOfEngine.js";

interface Ready {
  readonly large: SelectedModel;
  readonly small: SelectedModel;
  readonly model: NonNullable<AgentInfo["model"]>;
}

/** The configuration that a turn begins with, and the models that were chosen from it. */
export type AgentChoice = Pick<EngineSetup, "config" | "large" | "small">;

/** Where an agent reads its configuration. */
export type AgentConfiguration = Pick<ConfigSource, "current" | "reload">;

/** Chooses the models of one workspace. */
export class WorkspaceAgent {
  readonly #source: AgentConfiguration;
  readonly #log: Log;
  readonly #onChoice: (choice: AgentChoice) => void;
  readonly #engine: string;
  readonly #sandboxOf: (config: ResolvedConfig) => Promise<SandboxInfo>;
  #sandbox: SandboxInfo | undefined;
  #limits: Limits | undefined;
  #ready: Ready | undefined;
  /** The models that were chosen by hand. All others come from the configuration files. */
  #byHand: Partial<Pick<AgentChoice, "large" | "small">> = {};
  /** Settles when the newest change has been made or refused. */
  #lastChange: Promise<unknown> = Promise.resolve();

  /**
   * `onChoice` is called for every choice from a newly read configuration. `sandboxOf` tells how
   * commands would be confined with it. `engine` is the name of the engine that runs the turns.
   */
  constructor(
    source: AgentConfiguration,
    log: Log,
    onChoice: (choice: AgentChoice) => void,
    sandboxOf: (config: ResolvedConfig) => Promise<SandboxInfo>,
    engine: string,
  ) {
    this.#engine = engine;
    this.#source = source;
    this.#log = log;
    this.#onChoice = onChoice;
    this.#sandboxOf = sandboxOf;
  }

  get isReady(): boolean {
    return this.#ready !== undefined;
  }

  /** The configuration as it is in the files now. Throws `ConfigInvalid`. */
  async configuration(): Promise<ResolvedConfig> {
    const config = await this.#source.current();
    this.#limits = config.limits;
    return config;
  }

  /** The limits of a run, as the configuration was when it was read last. Undefined before that. */
  get limits(): Limits | undefined {
    return this.#limits;
  }

  /** Reads the configuration and chooses the models; does nothing if that was done before. */
  init(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#ready === undefined) await this.#update();
    });
  }

  /** Reads the configuration and chooses the models again; on an error the old choice stays. */
  update(): Promise<void> {
    return this.#inOrder(() => this.#update());
  }

  async #update(): Promise<void> {
    const config = await this.#source.reload();
    this.#sandbox = await this.#sandboxOf(config);
    if (this.#sandbox.requested !== "off" && !this.#sandbox.enforced) {
      throw sandboxUnavailable(this.#sandbox);
    }
    this.#limits = config.limits;
    for (const warning of config.warnings) this.#log.warn({}, warning);
    this.#ready = choose(config, config.models.large, config.models.small);
    this.#byHand = {};
    this.#onChoice(choiceOf(config, this.#ready));
  }

  /** Chooses one model by hand. Throws `ModelNotConfigured`. */
  setModel(type: "large" | "small", selected: SelectedModel): Promise<void> {
    return this.#inOrder(async () => {
      const config = await this.configuration();
      if (this.#engine !== builtInEngine) {
        this.#byHand = { ...this.#byHand, [type]: modelOfEngine(this.#engine, type, selected) };
        return;
      }
      findModel(config, selected);
      const byHand = { ...this.#byHand, [type]: selected };
      const { large, small } = { ...config.models, ...byHand };
      this.#ready = choose(config, large, small);
      this.#byHand = byHand;
    });
  }

  /**
   * Makes changes one after the other. Each reads files first; the change that was requested last
   * is the one that stays.
   */
  #inOrder(change: () => Promise<void>): Promise<void> {
    const done = this.#lastChange.then(change);
    // The caller of this change gets a failure. The next change only waits for its end.
    this.#lastChange = done.catch(() => undefined);
    return done;
  }

  /**
   * The models for a turn that begins now: those that were chosen by hand, else those of the
   * present configuration. A run with a model of its own (`own`) uses that one; the workspace's choice
   * does not change by it. Throws `ConfigInvalid` or `ModelNotConfigured` if the configuration no
   * longer has them.
   */
  async choice(own?: SelectedModel): Promise<AgentChoice> {
    const config = await this.configuration();
    if (this.#engine !== builtInEngine) {
      const large = own && modelOfEngine(this.#engine, "large", own);
      return { config, ...config.models, ...this.#byHand, ...defined({ large }) };
    }
    if (own !== undefined) {
      return choiceOf(config, { ...config.models, ...this.#byHand, large: own });
    }
    const choice = choiceOf(config, { ...config.models, ...this.#byHand });
    // `getAgentInfo` tells the model of the newest turn.
    if (this.#ready !== undefined) {
      const { large, small } = choice;
      this.#ready = { large, small, model: findModel(config, large).model };
    }
    return choice;
  }

  /** The large model, once it is chosen; an engine beside the built-in one may have none. */
  get large(): SelectedModel | undefined {
    return this.#engine === builtInEngine ? this.#ready?.large : this.#byHand.large;
  }

  /** The agent in the form of `getAgentInfo`. */
  info(isBusy: boolean): AgentInfo {
    const sandbox = defined({ sandbox: this.#sandbox });
    const head = { isReady: this.isReady, isBusy, engine: this.#engine, ...sandbox };
    if (this.#ready === undefined) return head;
    if (this.#engine !== builtInEngine) return { ...head, ...infoOf(this.#byHand.large) };
    return { ...head, model: this.#ready.model, modelConfig: this.#ready.large };
  }
}

/** Nothing is known of a model of an engine but its name. */
function infoOf(chosen: SelectedModel | undefined): Pick<AgentInfo, "model" | "modelConfig"> {
  if (chosen === undefined) return {};
  const { provider, model: id } = chosen;
  const model = { id, provider, name: id, canReason: false, supportsImages: false };
  return { model, modelConfig: chosen };
}

function choiceOf(
  config: ResolvedConfig,
  { large, small }: Pick<AgentChoice, "large" | "small">,
): AgentChoice {
  findModel(config, large);
  return { config, large, small: isConfigured(config, small) ? small : large };
}

function choose(config: ResolvedConfig, large: SelectedModel, small: SelectedModel): Ready {
  const { model } = findModel(config, large);
  findModel(config, small);
  return { large, small, model };
}

function isConfigured(config: ResolvedConfig, selected: SelectedModel): boolean {
  return (
    config.providers.get(selected.provider)?.models.some(({ id }) => id === selected.model) ?? false
  );
}
