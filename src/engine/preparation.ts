import type { TurnModel } from "../agent/turn.js";
import type { Tool } from "../tools/tool.js";
import type { PresentState } from "./circumstances.js";
import type { EngineSetup } from "./setup.js";
import type { Skill } from "./skills.js";

/** The parts of a prepared turn. */
export interface Preparation extends Pick<EngineSetup, "config" | "permissions" | "options"> {
  readonly large: TurnModel;
  readonly summaryModel: TurnModel;
  readonly env: Readonly<Record<string, string>>;
  /** The built-in tools, and those of the tool servers that are ready. */
  readonly tools: readonly Tool[];
  /** The warnings for a person. */
  readonly warnings: readonly string[];
  readonly state: PresentState;
  readonly skills: readonly Skill[];
}
