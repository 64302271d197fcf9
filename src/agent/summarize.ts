// Replaces a history that has grown too long by a summary. The model gets a transcript, not the
// conversation itself: a transcript is valid for every provider, needs no tools, and can be cut.
import type { LanguageModelV3 } from "@ai-sdk/provider";
import type { HistoryMessage, MessageWriter, TurnOutcome } from "../engine/engine.js";
import { failed, loadFailure, succeeded, type TurnFailure } from "./outcome.js";
import { SummaryCall } from "./summaryCall.js";
import { passages, shortTranscript } from "./transcript.js";
import type { CallerInput, TurnPorts } from "./turn.js";

/** If a history needs more pieces than this, it is too long for the model. */
const mostPassages = 8;

/** The result of writing a summary. */
export type SummaryResult =
  | { readonly kind: "written"; readonly writer: MessageWriter }
  | { readonly kind: "nothing" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly failure: TurnFailure };

/**
 * Summarises a session: one message, stored when it is complete, that begins the model's history
 * from now on (`protocol.md` section 4, Summaries). With nothing new since the last summary the
 * outcome has no `messageId`; cancelled or failed, nothing is stored. Never rejects for what the
 * model or its provider does.
 */
export async function summarize(input: CallerInput, ports: TurnPorts): Promise<TurnOutcome> {
  const nothing = { text: "" };
  if (input.signal.aborted) return { status: "cancelled", ...nothing };
  const result = await writeSummary(input, ports);
  switch (result.kind) {
    case "written":
      return succeeded(result.writer);
    case "nothing":
      return { status: "succeeded", ...nothing };
    case "cancelled":
      return { status: "cancelled", ...nothing };
    case "failed":
      return failed(result.failure);
  }
}

/**
 * Writes the summary of `input.history` and makes it the history's beginning. Only a whole summary
 * is stored. A reply that broke off or is empty is requested once more; then it is a failure.
 */
export async function writeSummary(input: CallerInput, ports: TurnPorts): Promise<SummaryResult> {
  if (input.history.every(({ isSummary }) => isSummary)) return { kind: "nothing" };
  ports.sink.busyWith({ kind: "summarizing" });
  let model: LanguageModelV3;
  try {
    model = await input.model.load();
  } catch (error) {
    if (input.signal.aborted) return { kind: "cancelled" };
    return { kind: "failed", failure: loadFailure(error) };
  }
  const call = new SummaryCall(input, model, ports);
  let failure: TurnFailure | undefined;
  // If the history did not fit, it does not fit into the summary's call either, so a shorter
  // transcript is used.
  for (const size of call.sizes()) {
    const result = await summaryOf(input.history, size, call);
    if (result.kind === "cancelled") return result;
    if (result.kind === "text") return store(result.text, input, ports);
    failure = result.failure;
    if (failure.errorName !== "ContextOverflow") break;
  }
  return { kind: "failed", failure: failure ?? call.tooSmall() };
}

type TextResult =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly failure: TurnFailure };

/**
 * Uses one call if every message has room in it. Else it goes piece by piece, each after the
 * summary so far.
 */
async function summaryOf(
  history: readonly HistoryMessage[],
  size: number,
  call: SummaryCall,
): Promise<TextResult> {
  const [first] = history;
  let before = first?.isSummary ? [first] : [];
  const pieces = passages(history.slice(before.length), size);
  if (pieces.length > mostPassages) return { kind: "failed", failure: call.tooSmall() };
  let result: TextResult = { kind: "failed", failure: call.tooSmall() };
  for (const piece of pieces) {
    result = await call.ask(shortTranscript([...before, ...piece], size));
    if (result.kind !== "text") return result;
    const parts = [{ type: "text" as const, text: result.text }];
    before = [{ id: "", role: "assistant", parts, isSummary: true }];
  }
  return result;
}

function store(text: string, input: CallerInput, { sink }: TurnPorts): SummaryResult {
  const writer = sink.createMessage({
    role: "assistant",
    parts: [{ type: "text", text }],
    model: input.model.info.id,
    provider: input.model.info.provider,
    isSummary: true,
  });
  writer.finish("endTurn");
  sink.setSummary(writer.id);
  return { kind: "written", writer };
}
