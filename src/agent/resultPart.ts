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
    // Another server may have begun the call.
    const known = message.parts.findIndex(
      (part) => part.type === "toolResult" && part.toolCallId === call.toolCallId,
    );
    this.#index = known === -1 ? message.addPart(this.#part({ output: "" })) : known;
  }

  append(delta: string): void {
    // Output of a tool after its return is ignored.
    if (this.#isOpen && delta !== "") this.#message.append(this.#index, delta);
  }

  /** The output so far, and the reason why there is no more. */
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
