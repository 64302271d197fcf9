import { defined } from "../base/defined.js";
import type { MessageWriter } from "../engine/engine.js";
import type { Part } from "../protocol/objects/message.js";
import type { ToolResult } from "../tools/tool.js";
import type { RequestedCall } from "./streamedReply.js";

/** The result of one call, as it grows in the tool message. */
export class ResultPart {
  readonly #message: MessageWriter;
  readonly #call: RequestedCall;
  readonly #index: number;
  #isOpen = true;

  constructor(message: MessageWriter, call: RequestedCall) {
    this.#message = message;
    this.#call = call;
    this.#index = message.addPart(this.#part({ output: "" }));
  }

  append(delta: string): void {
    // A tool that goes on talking after it has returned is not listened to.
    if (this.#isOpen && delta !== "") this.#message.append(this.#index, delta);
  }

  /** What was streamed so far, and a word on why there is no more. */
  withNote(note: string): string {
    const part = this.#message.parts[this.#index];
    const output = part?.type === "toolResult" ? part.output : "";
    return output === "" ? note : `${output}\n\n${note}`;
  }

  close(): void {
    this.#isOpen = false;
  }

  set(result: ToolResult): void {
    this.close();
    this.#message.setPart(this.#index, this.#part(result));
  }

  #part({ output, isError = false, diff }: ToolResult): Part {
    const { toolCallId, name } = this.#call;
    return {
      type: "toolResult",
      toolCallId,
      name,
      output,
      isError,
      ...defined({ diff }),
    };
  }
}
