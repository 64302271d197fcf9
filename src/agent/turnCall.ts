import type { LanguageModelV3 } from "@ai-sdk/provider";
import type { AttachmentUse } from "./attachmentUse.js";
import { callOptions } from "./callOptions.js";
import type { Conversation } from "./conversation.js";
import { type CallResult, callModel } from "./modelCall.js";
import { modelPrompt } from "./modelPrompt.js";
import type { StreamedReply } from "./streamedReply.js";
import { offeredTools, toolDefinitions } from "./toolDefinitions.js";
import type { TurnInput, TurnPorts } from "./turn.js";

/** Makes a model call of a turn, with the conversation as it is now. */
export function callTurnModel(
  {
    model,
    conversation,
    attachments,
  }: {
    readonly model: LanguageModelV3;
    readonly conversation: Conversation;
    readonly attachments: AttachmentUse;
  },
  { input, ports }: { readonly input: TurnInput; readonly ports: TurnPorts },
  reply: StreamedReply,
): Promise<CallResult> {
  const { model: chosen, systemPrompt, limits, signal, random } = input;
  const { prompt, turnStart } = modelPrompt({
    systemPrompt,
    messages: conversation.messages,
    turnStart: conversation.turnStart,
    imageUse: attachments.inPrompt(conversation.messages),
    kept: conversation.kept,
  });
  const { summarisedCalls } = conversation;
  const note = { purpose: "turn", turnStart, summarisedCalls } as const;
  return callModel(
    {
      model,
      providerId: chosen.info.provider,
      options: callOptions(chosen, prompt, note, toolDefinitions(offeredTools(input))),
      signal,
      idleSeconds: limits.providerIdleSeconds,
      random: random ?? Math.random,
      onRetry: (retry) => ports.sink.busyWith({ kind: "retrying", ...retry }),
    },
    reply,
    ports,
  );
}
