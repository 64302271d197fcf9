/** Asks models with one small request each, which is not tried again: for `doctor --probe`. */
import type { LanguageModelV3CallOptions } from "@ai-sdk/provider";
import { callModel } from "../agent/modelCall.js";
import { TextReply } from "../agent/textReply.js";
import { afterAwake } from "../base/awakeTime.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { silentLog } from "../base/log.js";
import { defaultSmallModel, findModel } from "../config/models.js";
import type { ResolvedConfig } from "../config/types.js";
import { noteOptions } from "../models/callNote.js";
import { createLanguageModel } from "../models/createLanguageModel.js";
import type { SelectedModel } from "../protocol/objects/model.js";
import type { ProbeResult, ProbeSurroundings } from "./probeResult.js";

/** How long a model may take, in milliseconds. */
const modelMs = 30_000;
/** Enough for a short word, and for providers that refuse fewer. */
const mostTokens = 64;

/** Asks the chosen models, and one of every other provider. Never rejects. */
export async function probeModels(
  surroundings: ProbeSurroundings,
): Promise<readonly ProbeResult[]> {
  const { config } = surroundings;
  const chosen = new Map<string, SelectedModel>();
  const add = (selected: SelectedModel) => {
    const key = nameOf(selected);
    if (isConfigured(config, selected) && !chosen.has(key)) chosen.set(key, selected);
  };
  add(config.models.large);
  add(config.models.small);
  for (const { id, type } of config.providers.values()) {
    // The offline model is always there; it is asked only where it is chosen.
    const isAsked =
      type === "offline" || [...chosen.values()].some(({ provider }) => provider === id);
    if (!isAsked) add(defaultSmallModel(config, id));
  }
  return Promise.all([...chosen.values()].map((selected) => probeModel(selected, surroundings)));
}

/** `doctor` itself tells of a choice that names no model. */
function isConfigured(config: ResolvedConfig, selected: SelectedModel): boolean {
  try {
    return findModel(config, selected).model.id === selected.model;
  } catch {
    return false;
  }
}

async function probeModel(
  selected: SelectedModel,
  { config, clock, ids }: ProbeSurroundings,
): Promise<ProbeResult> {
  const { provider, model: info } = findModel(config, selected);
  const begun = clock.now();
  const result = { kind: "model", name: nameOf(selected) };
  const ended = () => ({ ...result, milliseconds: clock.now() - begun });
  const abort = new AbortController();
  const timer = afterAwake(clock, modelMs, () => abort.abort());
  let firstFailure: string | undefined;
  try {
    const model = await createLanguageModel(provider, info, clock);
    const called = await callModel(
      {
        model,
        providerId: provider.id,
        options: request(selected),
        signal: abort.signal,
        idleSeconds: config.limits.providerIdleSeconds,
        random: () => 0,
        onRetry({ reason }) {
          firstFailure = reason;
          abort.abort();
        },
      },
      new TextReply(),
      { clock, ids, log: silentLog },
    );
    if (called.kind === "finished") {
      const abilities = [
        "streams",
        provider.switches?.get(info.id)?.tools === false ? "takes no tools" : "takes tools",
        info.supportsImages ? "images" : undefined,
        info.canReason ? "reasoning" : undefined,
      ].filter((ability) => ability !== undefined);
      return { ...ended(), ok: true, text: abilities.join(", ") };
    }
    if (called.kind === "failed") {
      const { message, errorName } = called.failure;
      return { ...ended(), ok: false, text: message, errorName };
    }
    const text =
      firstFailure ??
      `did not answer within ${modelMs / 1000} seconds; check the provider's baseUrl, and whether a proxy is needed`;
    return { ...ended(), ok: false, text };
  } catch (error) {
    return { ...ended(), ok: false, text: messageOf(error) };
  } finally {
    timer.cancel();
  }
}

/** The smallest request that shows whether a run could work: it streams, and it offers a tool. */
function request({ temperature, topP }: SelectedModel): LanguageModelV3CallOptions {
  return {
    prompt: [{ role: "user", content: [{ type: "text", text: "Answer with the word OK." }] }],
    maxOutputTokens: mostTokens,
    ...defined({ temperature, topP }),
    tools: [
      {
        type: "function",
        name: "nothing",
        description: "Does nothing.",
        inputSchema: { type: "object", properties: {} },
      },
    ],
    providerOptions: noteOptions({ purpose: "title" }),
  };
}

function nameOf({ provider, model }: SelectedModel): string {
  return `${provider}/${model}`;
}
