// What an agent has told about one of its sessions: commands, models, modes, and what it costs.
import { defined } from "../base/defined.js";
import { cutText } from "../base/text.js";
import type { Command } from "../protocol/objects/command.js";
import { amount, type Json, object, objects, text } from "./reading.js";

const mostCommands = 500;
const longestDescription = 1_000;

/** A setting of a session that its client may change, and the values that it may have. */
export interface SessionChoice {
  readonly id: string;
  readonly current: string;
  readonly values: readonly string[];
}

/** The state of a session in a running agent. */
export class SessionState {
  commands: readonly Command[] = [];
  /** US dollars since the session began, as the agent counts them. */
  cost: number | undefined;
  /** The mode that the agent began with. */
  firstMode: string | undefined;
  #options: readonly Json[] = [];
  #modes: Json = {};
  #models: Json = {};

  /** Takes the answer that opened it. */
  opened({ configOptions, modes, models }: Json): void {
    this.#options = objects(configOptions);
    this.#modes = object(modes);
    this.#models = object(models);
    this.firstMode = this.mode?.current;
  }

  /** Takes the answer of `session/set_config_option`. */
  changed({ configOptions }: Json): void {
    if (Array.isArray(configOptions)) this.#options = objects(configOptions);
  }

  /** Takes an update. Those of other kinds say nothing about it. */
  update(update: Json): void {
    switch (update.sessionUpdate) {
      case "available_commands_update":
        this.commands = objects(update.availableCommands).slice(0, mostCommands).map(command);
        break;
      case "config_option_update":
        this.changed(update);
        break;
      case "current_mode_update":
        this.#modes = { ...this.#modes, currentModeId: update.currentModeId };
        break;
      case "usage_update": {
        const { amount: cost, currency } = object(update.cost);
        if (currency === undefined || currency === "USD") this.cost = amount(cost) ?? this.cost;
      }
    }
  }

  /** The choice of a model that is a config option; undefined if there is none. */
  get modelOption(): SessionChoice | undefined {
    const option = this.#options.find((one) => one.category === "model" && one.type !== "boolean");
    if (option === undefined) return undefined;
    const values = objects(option.options).flatMap((one) =>
      // They may be in groups.
      Array.isArray(one.options) ? objects(one.options) : [one],
    );
    return choice(option.id, option.currentValue, values, "value");
  }

  /** The choice of a model of agents that have no config options. */
  get models(): SessionChoice | undefined {
    const { currentModelId, availableModels } = this.#models;
    return choice("model", currentModelId, objects(availableModels), "modelId");
  }

  /** The choice of a mode. */
  get mode(): SessionChoice | undefined {
    const { currentModeId, availableModes } = this.#modes;
    return choice("mode", currentModeId, objects(availableModes), "id");
  }
}

function choice(
  id: unknown,
  current: unknown,
  among: readonly Json[],
  member: string,
): SessionChoice | undefined {
  const values = among.map((one) => text(one[member])).filter((one) => one !== undefined);
  if (values.length === 0 || typeof id !== "string") return undefined;
  return { id, current: text(current) ?? "", values };
}

function command({ name, description, input }: Json): Command {
  const hint = text(object(input).hint);
  return {
    name: cutText(text(name) ?? "", 100),
    description: cutText(text(description) ?? "", longestDescription),
    ...defined({ argumentHint: hint && cutText(hint, longestDescription) }),
    source: "engine",
  };
}
