import type { FoldedPrompt, HistoryMessage, Prompt } from "../engine/engine.js";
import type { MessageOutlet, MessageRecorder } from "./messageRecorder.js";
import { type NewMessageOptions, newMessage } from "./newMessage.js";
import type { PatientWrites } from "./patientWrites.js";
import { userMessage } from "./userMessage.js";

interface FoldOptions extends NewMessageOptions {
  readonly writes: PatientWrites;
  takeFolded(store: (prompts: readonly Prompt[]) => void): readonly Prompt[];
}

/** Takes the prompts that join a turn now, and stores them as messages in the same commit. */
export function foldedPrompts(
  options: FoldOptions,
  outlet: MessageOutlet,
  tell: (recorder: MessageRecorder) => void,
): readonly FoldedPrompt[] {
  let said: { recorder: MessageRecorder; message: HistoryMessage }[] = [];
  const joined = options.takeFolded((prompts) => {
    options.writes.refuse();
    options.writes.early.throwIfLost();
    // What was said before is written first, so that the messages are in their order.
    options.writes.writeWithin((error) => {
      throw error;
    });
    said = prompts.map((prompt) => {
      const message = userMessage(prompt);
      const { recorder, insert } = newMessage(message, options, outlet);
      insert();
      return { recorder, message: { id: recorder.id, ...message } };
    });
  });
  return joined.flatMap((prompt, index) => {
    const one = said[index];
    if (one === undefined) return [];
    tell(one.recorder);
    return { prompt, message: one.message };
  });
}
