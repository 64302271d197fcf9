// Writes a model's streamed reply into an assistant message. Each block of text, each block of
// reasoning and each tool call becomes a part, in the order in which they begin.

import type { LanguageModelV3StreamPart, LanguageModelV3ToolCall } from "@ai-sdk/provider";
import { defined } from "../base/defined.js";
import type { Ids } from "../base/ids.js";
import type { MessageWriter, TurnSink } from "../engine/engine.js";
import { endsThought } from "../models/thoughtMark.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import type { ReplyReceiver } from "./modelCall.js";
import { keptMetadata, mergedMetadata, type ProviderMetadata } from "./providerData.js";
import type { ToolCallIds } from "./toolCallIds.js";
import { longestToolInput, type ParsedInput, parseToolInput } from "./toolInput.js";

/** A tool call that the model has asked for. */
export interface RequestedCall {
  /** Its index in the assistant message. */
  readonly partIndex: number;
  readonly toolCallId: string;
  readonly name: string;
  /** Also not ok if the reply ended before the call was complete. */
  readonly input: ParsedInput;
}

interface Block {
  readonly kind: "text" | "reasoning";
  index?: number;
  metadata?: ProviderMetadata | undefined;
}

interface OpenCall {
  readonly index: number;
  readonly toolCallId: string;
  readonly name: string;
}

export class StreamedReply implements ReplyReceiver {
  readonly #sink: TurnSink;
  readonly #model: ModelInfo;
  readonly #ids: Ids;
  /** The ids of every tool call of the session's history. */
  readonly #takenIds: ToolCallIds;
  #writer: MessageWriter | undefined;
  #texts = new Map<string, Block>();
  #reasonings = new Map<string, Block>();
  #openCalls = new Map<string, OpenCall>();
  #calls: RequestedCall[] = [];
  #ownIds: string[] = [];

  constructor(sink: TurnSink, model: ModelInfo, ids: Ids, takenIds: ToolCallIds) {
    this.#sink = sink;
    this.#model = model;
    this.#ids = ids;
    this.#takenIds = takenIds;
  }

  /** Whether the model has begun to answer. */
  get hasBegun(): boolean {
    return this.#writer !== undefined;
  }

  /**
   * The assistant message. It is created when the model begins to answer, or at the first access.
   */
  get writer(): MessageWriter {
    this.#writer ??= this.#sink.createMessage({
      role: "assistant",
      model: this.#model.id,
      provider: this.#model.provider,
    });
    return this.#writer;
  }

  part(part: LanguageModelV3StreamPart): void {
    switch (part.type) {
      case "stream-start":
        void this.writer;
        return;
      case "text-start":
      case "reasoning-start":
        this.#open(
          part.type === "text-start" ? "text" : "reasoning",
          part.id,
          part.providerMetadata,
        );
        return;
      case "text-delta":
        this.#append("text", part.id, part.delta, part.providerMetadata);
        return;
      case "reasoning-delta":
        this.#append("reasoning", part.id, part.delta, part.providerMetadata);
        return;
      case "text-end":
      case "reasoning-end":
        if (endsThought(part)) {
          this.#becomeReasoning(part.id);
          return;
        }
        this.#close(
          part.type === "text-end" ? "text" : "reasoning",
          part.id,
          part.providerMetadata,
        );
        return;
      case "tool-input-start":
        if (part.providerExecuted !== true) this.#openCall(part.id, part.toolName);
        return;
      case "tool-input-delta":
        this.#appendInput(part.id, part.delta);
        return;
      case "tool-call":
        if (part.providerExecuted !== true) this.#closeCall(part);
        return;
      default:
        // Messages cannot hold sources, files, or calls of a provider's own tools yet.
        return;
    }
  }

  restart(): void {
    this.#writer?.truncateParts(0);
    this.#texts = new Map();
    this.#reasonings = new Map();
    this.#openCalls = new Map();
    this.#calls = [];
    for (const id of this.#ownIds) this.#takenIds.delete(id);
    this.#ownIds = [];
  }

  /**
   * Ends the parts that the stream left open, and returns every tool call of the reply, in order,
   * also those whose input broke off.
   */
  end(): readonly RequestedCall[] {
    for (const id of [...this.#texts.keys()]) this.#close("text", id, undefined);
    for (const id of [...this.#reasonings.keys()]) this.#close("reasoning", id, undefined);
    for (const { index, toolCallId, name } of this.#openCalls.values()) {
      const part = this.writer.parts[index];
      const text = part?.type === "toolCall" && typeof part.input === "string" ? part.input : "";
      const problem = "The reply broke off before the call was complete.";
      this.#calls.push({ partIndex: index, toolCallId, name, input: { ok: false, text, problem } });
    }
    this.#openCalls.clear();
    return this.#calls.sort((a, b) => a.partIndex - b.partIndex);
  }

  #open(kind: Block["kind"], id: string, metadata: ProviderMetadata | undefined): Block {
    const block: Block = { kind, metadata };
    this.#blocks(kind).set(id, block);
    return block;
  }

  #append(
    kind: Block["kind"],
    id: string,
    delta: string,
    metadata: ProviderMetadata | undefined,
  ): void {
    const block = this.#blocks(kind).get(id) ?? this.#open(kind, id, undefined);
    if (metadata !== undefined) block.metadata = mergedMetadata(block.metadata, metadata);
    if (delta === "") return;
    block.index ??= this.writer.addPart({ type: kind, text: "" });
    this.writer.append(block.index, delta);
  }

  #close(kind: Block["kind"], id: string, more: ProviderMetadata | undefined): void {
    const block = this.#blocks(kind).get(id);
    if (block === undefined) return;
    this.#blocks(kind).delete(id);
    const metadata = keptMetadata(mergedMetadata(block.metadata, more));
    const data = metadata && { providerMetadata: metadata };
    if (block.index === undefined) {
      // An empty reasoning part may still carry data for the provider. Empty text is left out.
      if (kind === "reasoning" && data) this.writer.addPart({ type: kind, text: "", ...data });
      return;
    }
    const part = this.writer.parts[block.index];
    if (part?.type === kind) this.writer.setPart(block.index, { ...part, ...data });
  }

  /** What was told as text was a thought. */
  #becomeReasoning(id: string): void {
    const block = this.#texts.get(id);
    this.#texts.delete(id);
    if (block?.index === undefined) return;
    const part = this.writer.parts[block.index];
    if (part?.type === "text") {
      this.writer.setPart(block.index, { type: "reasoning", text: part.text });
    }
  }

  #openCall(streamId: string, name: string): OpenCall {
    const toolCallId = this.#claimId(streamId);
    const index = this.writer.addPart({
      type: "toolCall",
      toolCallId,
      name,
      input: "",
      state: "streaming",
    });
    const call = { index, toolCallId, name };
    this.#openCalls.set(streamId, call);
    return call;
  }

  #appendInput(streamId: string, delta: string): void {
    const call = this.#openCalls.get(streamId);
    if (call === undefined || delta === "") return;
    const part = this.writer.parts[call.index];
    const known = part?.type === "toolCall" && typeof part.input === "string" ? part.input : "";
    // The end of the call reports that it is too long.
    if (known.length <= longestToolInput) this.writer.append(call.index, delta);
  }

  #closeCall(call: LanguageModelV3ToolCall): void {
    const { index, toolCallId } =
      this.#openCalls.get(call.toolCallId) ?? this.#openCall(call.toolCallId, call.toolName);
    this.#openCalls.delete(call.toolCallId);
    const name = call.toolName;
    const input = parseToolInput(call.input);
    this.writer.setPart(index, {
      type: "toolCall",
      toolCallId,
      name,
      input: input.ok ? input.value : input.text,
      state: "pending",
      ...defined({ providerMetadata: keptMetadata(call.providerMetadata) }),
    });
    this.#calls.push({ partIndex: index, toolCallId, name, input });
  }

  /**
   * The provider's id, unless the session has it already: some servers begin at 0 in every reply.
   */
  #claimId(wanted: string): string {
    const free = wanted !== "" && !this.#takenIds.has(wanted);
    const id = free ? wanted : this.#ids.next("call");
    this.#takenIds.add(id);
    this.#ownIds.push(id);
    return id;
  }

  #blocks(kind: Block["kind"]): Map<string, Block> {
    return kind === "text" ? this.#texts : this.#reasonings;
  }
}
