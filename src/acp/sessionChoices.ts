// What a person can choose for a session: the permission mode, the model, and how much it thinks.
import {
  RequestError,
  type SessionConfigOption,
  type SessionModeState,
} from "@agentclientprotocol/sdk";
import { defined } from "../base/defined.js";
import type { ModelInfo, SelectedModel } from "../protocol/objects/model.js";
import { PermissionMode } from "../protocol/objects/workspace.js";

const modes: readonly { id: PermissionMode; name: string; description: string }[] = [
  { id: "ask", name: "Ask", description: "Asks before a tool changes or runs something." },
  {
    id: "acceptEdits",
    name: "Accept edits",
    description: "Changes files of the workspace without asking, and asks for all else.",
  },
  { id: "plan", name: "Plan", description: "Only reads, until you accept a plan." },
  { id: "allow", name: "Allow all", description: "Asks nothing." },
  { id: "deny", name: "Only read", description: "Refuses whatever would have to be asked." },
];

const efforts = ["low", "medium", "high"] as const;
/** The value that leaves the thinking to the model. */
const ownEffort = "default";

/** The ids of the options. */
export const optionIds = { mode: "mode", model: "model", thinking: "thought_level" } as const;

/** The choices of one session. */
export class SessionChoices {
  mode: PermissionMode;
  #model: ModelInfo | undefined;
  #effort: string | undefined;
  readonly #models: readonly ModelInfo[];
  /** Whether a person chose the model here: then each run is told. */
  #isChosen = false;

  constructor(
    mode: PermissionMode,
    models: readonly ModelInfo[],
    present: SelectedModel | undefined,
  ) {
    this.mode = mode;
    this.#models = models;
    this.#model = models.find(
      ({ id, provider }) => id === present?.model && provider === present.provider,
    );
    this.#effort = present?.reasoningEffort;
  }

  /** The model that each run is to have; undefined: that of the configuration. */
  get model(): SelectedModel | undefined {
    if (!this.#isChosen || this.#model === undefined) return undefined;
    const { provider, id: model } = this.#model;
    return { provider, model, ...defined({ reasoningEffort: this.#effort }) };
  }

  /** For editors that know modes and no options. */
  modeState(): SessionModeState {
    return { currentModeId: this.mode, availableModes: modes.map((mode) => ({ ...mode })) };
  }

  /** Every option with its present value. */
  options(): SessionConfigOption[] {
    const mode: SessionConfigOption = {
      id: optionIds.mode,
      name: "Permissions",
      category: "mode",
      type: "select",
      currentValue: this.mode,
      options: modes.map(({ id, name, description }) => ({ value: id, name, description })),
    };
    if (this.#model === undefined) return [mode];
    const model: SessionConfigOption = {
      id: optionIds.model,
      name: "Model",
      category: "model",
      type: "select",
      currentValue: choiceOf(this.#model),
      options: this.#models.map((one) => ({
        value: choiceOf(one),
        name: one.name,
        description: one.provider,
      })),
    };
    if (!this.#model.canReason) return [mode, model];
    const values = [ownEffort, ...efforts];
    const present = this.#effort ?? ownEffort;
    if (!values.includes(present)) values.push(present);
    return [
      mode,
      model,
      {
        id: optionIds.thinking,
        name: "Thinking",
        category: "thought_level",
        type: "select",
        currentValue: present,
        options: values.map((value) => ({ value, name: value })),
      },
    ];
  }

  /**
   * Chooses the model with a value of its option.
   *
   * @throws RequestError -32602 where there is no such model.
   */
  chooseModel(value: string): void {
    // Editors that send the older `session/set_model` may name the model alone.
    const found =
      this.#models.find((one) => choiceOf(one) === value) ??
      this.#models.find(({ id }) => id === value);
    if (found === undefined) throw noSuchValue(optionIds.model, value);
    this.#model = found;
    this.#isChosen = true;
  }

  /**
   * Chooses how much the model thinks.
   *
   * @throws RequestError -32602 where the session has no such choice.
   */
  chooseThinking(value: string): void {
    const offered = this.options().find(({ id }) => id === optionIds.thinking);
    const isOffered =
      offered?.type === "select" &&
      offered.options.some((option) => "value" in option && option.value === value);
    if (!isOffered) throw noSuchValue(optionIds.thinking, value);
    this.#effort = value === ownEffort ? undefined : value;
    this.#isChosen = true;
  }
}

/**
 * The mode with an id.
 *
 * @throws RequestError -32602 where there is none.
 */
export function modeOf(id: unknown): PermissionMode {
  const parsed = PermissionMode().safeParse(id);
  if (!parsed.success) throw noSuchValue(optionIds.mode, id);
  return parsed.data;
}

function choiceOf({ provider, id }: ModelInfo): string {
  return `${provider}/${id}`;
}

function noSuchValue(option: string, value: unknown): RequestError {
  return RequestError.invalidParams(
    { configId: option },
    `${JSON.stringify(value)} is no value of "${option}"`,
  );
}
