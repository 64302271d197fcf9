// What an agent has told about one of its sessions: commands, models, modes, and what it costs.
import { defined } from "../base/defined.js";
import { cutText } from "../base/text.js";
import type { Command } from "../protocol/objects/command.js";
import { amount, type Json, object, objects, text } from "./reading.js";

const mostCommands = 500;
const longestDescription = 1_000;

/** What can be chosen in a session, by the categories of the protocol. */
export type ChoiceKind = "model" | "thought_level" | "mode" | "collaboration_mode";
const kinds: readonly ChoiceKind[] = ["model", "thought_level", "mode", "collaboration_mode"];

/** A setting of a session that its client may change, and the values that it may have. */
export interface SessionChoice {
  /** How it is changed: as a config option, or by a method of its own. */
  readonly by: "option" | "model" | "mode";
  readonly id: string;
  readonly current: string;
  readonly values: readonly string[];
}

/** The state of a session in a running agent. */
export class SessionState {
  commands: readonly Command[] = [];
  /** US dollars since the session began, as the agent counts them. */
  cost: number | undefined;
  /** Whether it began in this program, and so had cost nothing then. */
  isNew = false;
  /** The tool servers that the session was opened with, as JSON. */
  servers = "[]";
  /** What was chosen when the session was opened. */
  readonly #first = new Map<ChoiceKind, string>();
  readonly #chosen = new Set<ChoiceKind>();
  #onCommands: (() => void) | undefined;
  #options: readonly Json[] = [];
  #modes: Json = {};
  #models: Json = {};

  /** Takes the answer that opened it. */
  opened({ configOptions, modes, models }: Json): void {
    this.#options = objects(configOptions);
    this.#modes = object(modes);
    this.#models = object(models);
    for (const kind of kinds) {
      const chosen = this.choice(kind);
      if (chosen !== undefined && !this.#first.has(kind)) this.#first.set(kind, chosen.current);
    }
  }

  /** What it has cost by now; undefined if that is not known, as where it was loaded. */
  get costBefore(): number | undefined {
    return this.cost ?? (this.isNew ? 0 : undefined);
  }

  /** What was chosen when the session was opened in this program. */
  first(kind: ChoiceKind): string | undefined {
    return this.#first.get(kind);
  }

  /** Notes that a client has chosen something. */
  chose(kind: ChoiceKind): void {
    this.#chosen.add(kind);
  }

  /** Whether a client has chosen something since the session was opened in this program. */
  wasChosen(kind: ChoiceKind): boolean {
    return this.#chosen.has(kind);
  }

  /** Takes the answer of a change. Some answers say nothing about what it has become. */
  changed({ configOptions }: Json, { by, id }: SessionChoice, value: string): void {
    if (Array.isArray(configOptions)) this.#options = objects(configOptions);
    else if (by === "option") {
      this.#options = this.#options.map((one) =>
        one.id === id ? { ...one, currentValue: value } : one,
      );
    } else if (by === "model") this.#models = { ...this.#models, currentModelId: value };
    else this.#modes = { ...this.#modes, currentModeId: value };
  }

  /** Takes an update. Those of other kinds say nothing about it. */
  update(update: Json): void {
    switch (update.sessionUpdate) {
      case "available_commands_update":
        this.commands = objects(update.availableCommands).slice(0, mostCommands).map(command);
        this.#onCommands?.();
        break;
      case "config_option_update":
        if (Array.isArray(update.configOptions)) this.#options = objects(update.configOptions);
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

  /** Resolves once the agent has told its commands, which it does some time after it has opened. */
  async toldCommands(): Promise<void> {
    if (this.commands.length > 0) return;
    await new Promise<void>((resolve) => {
      this.#onCommands = resolve;
    });
  }

  /** What can be chosen of a kind; undefined if nothing can. */
  choice(kind: ChoiceKind): SessionChoice | undefined {
    if (kind === "mode") return this.#modeChoice ?? this.#option(kind);
    return this.#option(kind) ?? (kind === "model" ? this.#modelChoice : undefined);
  }

  #option(kind: ChoiceKind): SessionChoice | undefined {
    const option = this.#options.find((one) => one.category === kind && one.type !== "boolean");
    if (option === undefined || typeof option.id !== "string") return undefined;
    const values = objects(option.options).flatMap((one) =>
      // They may be in groups.
      Array.isArray(one.options) ? objects(one.options) : [one],
    );
    return choice("option", option.id, option.currentValue, values, "value");
  }

  /** The choice of a model of agents that have no config options. */
  get #modelChoice(): SessionChoice | undefined {
    const { currentModelId, availableModels } = this.#models;
    return choice("model", "model", currentModelId, objects(availableModels), "modelId");
  }

  get #modeChoice(): SessionChoice | undefined {
    const { currentModeId, availableModes } = this.#modes;
    return choice("mode", "mode", currentModeId, objects(availableModes), "id");
  }
}

function choice(
  by: SessionChoice["by"],
  id: string,
  current: unknown,
  among: readonly Json[],
  member: string,
): SessionChoice | undefined {
  const values = among.map((one) => text(one[member])).filter((one) => one !== undefined);
  return values.length === 0 ? undefined : { by, id, current: text(current) ?? "", values };
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
