import type { TurnModel } from "../agent/turn.js";
import type { Tool } from "../tools/tool.js";
import type { PresentState } from "./circumstances.js";
import type { EngineSetup } from "./engine.js";

/** What a turn is prepared with. */
export interface Preparation extends Pick<EngineSetup, "config" | "permissions"> {
  readonly large: TurnModel;
  readonly summaryModel: TurnModel;
  readonly env: Readonly<Record<string, string>>;
  /** The built-in tools, and those of the tool servers that are ready. */
  readonly tools: readonly Tool[];
  /** What a person should know with the turn. */
  readonly warnings: readonly string[];
  readonly state: PresentState;
}
