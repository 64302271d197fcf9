// A turn that a lost server has begun (docs/engines.md): whether the agent has its prompt, and what it is
// told in the place of it.
import type { HistoryMessage, Prompt, TurnRequest } from "../engine/engine.js";
import { CannotGoOn } from "./agentErrors.js";

/** How a turn stands when it begins here. */
export interface Standing {
  /** What the agent is sent. */
  readonly prompt: Prompt;
  /** The messages so far, without a prompt that is still to be sent. */
  readonly history: readonly HistoryMessage[];
  /** The user's message, if it is stored already. */
  readonly user: HistoryMessage | undefined;
  /** Whether the agent has the user's prompt already: it never gets it again. */
  readonly isBegun: boolean;
  /** The last message that the agent knows is stored, and is not sent to it again: it was cut off. */
  readonly knowsCutOff: boolean;
}

const goOn =
  "The program that you are connected to was stopped while you worked on the last request, and your work was cut off. What you did may be done in part, or not at all, and a command may have had its effect although you saw no result: look at how things stand before you do anything again. Then finish the request.";

/**
 * How a turn stands. The prompt was sent if the note of the agent's session names a message of the turn.
 *
 * @throws CannotGoOn if processes of the lost server's agent may still run.
 */
export function standingOf(
  { begun, history, prompt, ownSession }: TurnRequest,
  engine: string,
): Standing {
  if (begun === undefined) {
    return { prompt, history, user: undefined, isBegun: false, knowsCutOff: false };
  }
  const user = begun.messages.find(({ role }) => role === "user");
  const own = ownSession?.read();
  const knows = own?.engine === engine ? own.upTo : undefined;
  // Its reply may have been cut off by the loss, although the agent had ended the turn.
  const isBegun = knows !== undefined && begun.ids.has(knows);
  if (!isBegun) return { prompt, history, user, isBegun, knowsCutOff: false };
  if (begun.mayStillRun) {
    throw new CannotGoOn(
      `The server stopped in the middle of the turn, and processes of the engine ${engine} may still run.`,
    );
  }
  const ours = { text: goOn, attachments: [] };
  const all = [...history, ...begun.messages];
  const knowsCutOff = all.every(({ id }) => id !== knows);
  return { prompt: ours, history: all, user, isBegun, knowsCutOff };
}

/** The permissions that were refused in a turn before its server was lost: all, and the last in a row. */
export function refusedBefore(begun: TurnRequest["begun"]): {
  readonly all: number;
  readonly inRow: number;
} {
  const parts = begun?.messages.flatMap((message) => message.parts) ?? [];
  const states = parts.flatMap((part) =>
    part.type === "toolCall" && part.state !== "cancelled" ? [part.state] : [],
  );
  const inRow = states.length - 1 - states.findLastIndex((state) => state !== "denied");
  return { all: begun?.progress?.denials ?? 0, inRow };
}

/** The last that was said in a turn before its server was lost. */
export function saidBefore({
  begun,
}: TurnRequest): { readonly id: string; readonly text: string } | undefined {
  const last = begun?.messages.findLast(({ role }) => role === "assistant");
  if (last === undefined) return undefined;
  const said = last.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  return { id: last.id, text: said };
}
