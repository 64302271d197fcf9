// Sets a session of an agent up as the run wants it: its model, how much that thinks, and its mode.
import { DomainError } from "../base/errors.js";
import { untilAborted } from "../base/untilAborted.js";
import type { EngineAgent } from "./engineAgent.js";
import type { OpenedSession } from "./openOwnSession.js";
import type { ChoiceKind, SessionChoice, SessionState } from "./sessionState.js";

/** What a run wants of the agent's session. */
export interface WantedSettings {
  /** The engine's name for a model. Absent: the one that the agent began with. */
  readonly model?: string;
  /** How much the model should think. Absent: as the agent began. */
  readonly reasoningEffort?: string;
  /** Whether the permission mode is `plan`, which some agents have too. */
  readonly isPlan: boolean;
  /** The mode beside `plan` that the configuration names. Absent: the one in which the agent asks. */
  readonly mode?: string;
}

/** The names of what is chosen, for an error. */
const nameOf = {
  model: "model",
  thought_level: "reasoning effort",
  mode: "mode",
  collaboration_mode: "mode",
} as const;

/** Names of modes in which agents ask before they act. */
const askingModes = ["default", "ask", "manual", "read-only"];

/**
 * Sets what differs.
 *
 * @throws DomainError `ModelNotConfigured` if the agent has no such model or effort; `ConfigInvalid` if it
 * has no such mode; AgentRefused,
 * AgentGone; the signal's reason.
 */
export async function setUp(
  agent: EngineAgent,
  opened: OpenedSession,
  wanted: WantedSettings,
  signal: AbortSignal,
): Promise<void> {
  const { state } = opened;
  const { model, reasoningEffort, isPlan } = wanted;
  const choose = async (kind: ChoiceKind, value: string | undefined) => {
    const option = state.choice(kind);
    if (value === undefined || option?.current === value) return;
    if (option?.values.includes(value) !== true) throw noSuch(kind, value, option);
    await set(agent, opened, option, value, signal);
    state.chose(kind);
  };
  await choose("model", model ?? formerOf(state, "model"));
  // Another model may have other levels.
  await choose("thought_level", reasoningEffort ?? formerOf(state, "thought_level"));
  const mode = state.choice("mode");
  const plan = mode?.values.find(isPlanMode);
  await choose("mode", (isPlan && plan) || workingMode(wanted, mode, state.first("mode")));
  if (plan !== undefined) return;
  // Some agents have it beside their modes.
  const other = state.choice("collaboration_mode");
  const otherPlan = other?.values.find(isPlanMode);
  if (otherPlan === undefined) return;
  await choose(
    "collaboration_mode",
    isPlan ? otherPlan : other?.values.find((one) => one !== otherPlan),
  );
}

/** What the agent began with, if a run has chosen something else since. */
function formerOf(state: SessionState, kind: ChoiceKind): string | undefined {
  const first = state.first(kind);
  const isThere = first !== undefined && state.choice(kind)?.values.includes(first) === true;
  return state.wasChosen(kind) && isThere ? first : undefined;
}

/** Some agents name their modes by addresses. */
function isPlanMode(value: string): boolean {
  return value === "plan" || value.endsWith("#plan");
}

/**
 * The mode for turns beside `plan`: the one that the configuration names, else one in which the agent asks.
 * An agent may begin in a mode in which it decides by itself: then no rule would see what it does. If none
 * is known to ask, it is the mode that the agent began with, or its first one if that is for plans.
 */
function workingMode(
  { mode }: WantedSettings,
  choice: SessionChoice | undefined,
  first = "",
): string | undefined {
  if (mode !== undefined || choice === undefined) return mode;
  const isWorking = (value: string) => choice.values.includes(value) && !isPlanMode(value);
  const known = [...askingModes, first].find(isWorking);
  return known ?? choice.values.find(isWorking);
}

async function set(
  agent: EngineAgent,
  { id: sessionId, state }: OpenedSession,
  option: SessionChoice,
  value: string,
  signal: AbortSignal,
): Promise<void> {
  const [method, params] = {
    option: ["session/set_config_option", { configId: option.id, value }] as const,
    model: ["session/set_model", { modelId: value }] as const,
    mode: ["session/set_mode", { modeId: value }] as const,
  }[option.by];
  const answer = await untilAborted(agent.request(method, { sessionId, ...params }), signal);
  state.changed(answer, option, value);
}

function noSuch(kind: ChoiceKind, value: string, option: SessionChoice | undefined): DomainError {
  const values = option?.values ?? [];
  const known =
    values.length === 0 ? "lets nobody choose one" : `has ${values.slice(0, 50).join(", ")}`;
  const message = `The engine has no ${nameOf[kind]} ${value}; it ${known}.`;
  const isMode = kind === "mode" || kind === "collaboration_mode";
  return new DomainError(isMode ? "ConfigInvalid" : "ModelNotConfigured", message);
}
