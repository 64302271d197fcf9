/** The tools that a client gives the agent, and what answers `callTool` (protocol.md section 7). */
import { messageOf } from "../base/errors.js";
import type { ClientTool } from "../protocol/objects/clientTool.js";
import type { ToolCallAnswer, ToolCallRequest } from "../protocol/registry.js";

/** A tool that the client has. */
export interface OwnTool extends ClientTool {
  /**
   * Carries out a call of the model. A text is the whole result. `signal` is aborted when the call is
   * withdrawn. An error that it throws goes to the model, and to no handler of errors.
   *
   * @param input what the model wrote. Nobody checked it against the tool's schema.
   */
  execute(
    input: Record<string, unknown>,
    context: { readonly signal: AbortSignal; readonly call: ToolCallRequest },
  ): ToolCallAnswer | string | Promise<ToolCallAnswer | string>;
}

/** The tools of one client, for every server that it connects to. */
export class OwnTools {
  #tools: ReadonlyMap<string, OwnTool>;

  constructor(tools: readonly OwnTool[] = []) {
    this.#tools = byName(tools);
  }

  /** The tools, in the form in which the server gets them. */
  get definitions(): ClientTool[] {
    return definitionsOf([...this.#tools.values()]);
  }

  /** Replaces the tools. The server has been told of the new ones already. */
  set(tools: readonly OwnTool[]): void {
    this.#tools = byName(tools);
  }

  /** Answers a call. Never rejects. */
  async answer(call: ToolCallRequest, signal: AbortSignal): Promise<ToolCallAnswer> {
    const tool = this.#tools.get(call.name);
    if (tool === undefined) {
      return { output: `The client has no tool "${call.name}".`, isError: true };
    }
    try {
      const answer = await tool.execute(call.input, { signal, call });
      return typeof answer === "string" ? { output: answer } : answer;
    } catch (error) {
      return { output: `The tool failed: ${messageOf(error)}`, isError: true };
    }
  }
}

/** The tools as `setTools` takes them. */
export function definitionsOf(tools: readonly OwnTool[]): ClientTool[] {
  return tools.map(({ execute: _, ...definition }) => definition);
}

function byName(tools: readonly OwnTool[]): ReadonlyMap<string, OwnTool> {
  return new Map(tools.map((tool) => [tool.name, tool]));
}
