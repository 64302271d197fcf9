// Sets a session of an agent up as the run wants it: its model and its mode.
import { DomainError } from "../base/errors.js";
import { untilAborted } from "../base/untilAborted.js";
import type { EngineAgent } from "./engineAgent.js";
import type { OpenedSession } from "./openOwnSession.js";

/** What a run wants of the agent's session. */
export interface WantedSettings {
  /** The engine's name for a model; absent: the agent's own choice stays. */
  readonly model?: string;
  /** Whether the permission mode is `plan`, which some agents have too. */
  readonly isPlan: boolean;
}

/**
 * Sets model and mode where they differ.
 *
 * @throws DomainError `ModelNotConfigured` if the agent has no such model; AgentRefused, AgentGone; the
 * signal's reason.
 */
export async function setUp(
  agent: EngineAgent,
  { id: sessionId, state }: OpenedSession,
  wanted: WantedSettings,
  signal: AbortSignal,
): Promise<void> {
  const ask = (method: string, params: object) =>
    untilAborted(agent.request(method, { sessionId, ...params }), signal);
  const { model } = wanted;
  const option = state.modelOption ?? state.models;
  if (model !== undefined && option?.current !== model) {
    if (option === undefined || !option.values.includes(model))
      throw noModel(model, option?.values);
    const isOption = state.modelOption !== undefined;
    const answer = isOption
      ? await ask("session/set_config_option", { configId: option.id, value: model })
      : await ask("session/set_model", { modelId: model });
    state.changed(answer);
  }
  const { mode, firstMode } = state;
  if (mode === undefined || !mode.values.includes("plan")) return;
  const modeId = wanted.isPlan ? "plan" : mode.current === "plan" ? firstMode : undefined;
  if (modeId === undefined || modeId === mode.current) return;
  await ask("session/set_mode", { modeId });
  state.update({ sessionUpdate: "current_mode_update", currentModeId: modeId });
}

function noModel(model: string, values: readonly string[] = []): DomainError {
  const known =
    values.length === 0 ? "lets nobody choose one" : `has ${values.slice(0, 50).join(", ")}`;
  return new DomainError("ModelNotConfigured", `The engine has no model ${model}; it ${known}.`);
}
