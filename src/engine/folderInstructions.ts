// The instructions of the folders below the workspace. The model gets them at the end of the result of the
// first call that touches a folder, and they stay in that place (protocol.md section 4, Instructions and
// skills).
import { dirname, isAbsolute, join, relative } from "node:path";
import { isWithin, toSlashes } from "../base/insideFolder.js";
import { leadsTo } from "../base/leadsTo.js";
import { silentLog } from "../base/log.js";
import { taggedText } from "../base/taggedText.js";
import type { Tool, ToolContext, ToolResult } from "../tools/tool.js";
import { AgentsMd } from "./agentsMd.js";
import type { HistoryMessage } from "./engine.js";

/** The tools whose `path` touches a folder. */
const touching: ReadonlySet<string> = new Set(["read", "write", "edit", "ls", "glob", "grep"]);
const marker = "<agents-md file=";
/** The most instructions in one result, in UTF-16 units. */
const mostPerResult = 64 * 1024;
const mostFolders = 500;

/** What is needed to add instructions to results. */
export interface TellingOptions {
  /** The session, and the instructions that it already has. */
  readonly sessionId: string;
  readonly history: readonly HistoryMessage[];
  /** Other files that are used if a folder has no `AGENTS.md`. */
  readonly contextFiles: readonly string[];
  /** Whether a rule keeps a file from the model. */
  isDenied(path: string): boolean;
}

/** Adds the instructions of one workspace's folders to the results of tools. */
export class FolderInstructions {
  readonly #workspacePath: string;
  readonly #folders = new Map<string, AgentsMd>();

  constructor(workspacePath: string) {
    this.#workspacePath = workspacePath;
  }

  /** The tools of one turn and of its sub-tasks, with this addition. */
  around(tools: readonly Tool[], options: TellingOptions): Tool[] {
    const told = new Map<string, Set<string>>();
    // The results of a long history are searched only for a call that touches a folder.
    const toldBefore = (sessionId: string) =>
      sessionId === options.sessionId ? toldIn(options.history) : new Set<string>();
    return tools.map((tool) => {
      if (!touching.has(tool.name)) return tool;
      return {
        ...tool,
        execute: async (input: unknown, context: ToolContext) => {
          const result = await tool.execute(input, context);
          const ofSession = told.get(context.sessionId) ?? toldBefore(context.sessionId);
          told.set(context.sessionId, ofSession);
          return await this.#withInstructions(result, pathOf(input), ofSession, options);
        },
      };
    });
  }

  async #withInstructions(
    result: ToolResult,
    path: string | undefined,
    told: Set<string>,
    options: TellingOptions,
  ): Promise<ToolResult> {
    if (path === undefined || result.isError === true) return result;
    let { output } = result;
    let length = 0;
    const touched = leadsTo(isAbsolute(path) ? path : join(this.#workspacePath, path));
    for (const folder of this.#downTo(touched)) {
      const block = await this.#blockOf(folder, touched, options);
      if (block === undefined || told.has(block)) continue;
      length += block.length;
      if (length > mostPerResult) break;
      told.add(block);
      output += `\n\n${block}`;
    }
    return output === result.output ? result : { ...result, output };
  }

  /** The folders from below the workspace down to a path, outermost first. */
  #downTo(touched: string | undefined): string[] {
    if (touched === undefined || !isWithin(this.#workspacePath, touched)) return [];
    const folders: string[] = [];
    for (let at = touched; at !== this.#workspacePath; at = dirname(at)) folders.unshift(at);
    return folders;
  }

  async #blockOf(
    folder: string,
    touched: string | undefined,
    { contextFiles, isDenied }: TellingOptions,
  ): Promise<string | undefined> {
    const { text, name } = await this.#of(folder).read(contextFiles);
    if (text === undefined || name === undefined || text.trim() === "") return undefined;
    const file = join(folder, name);
    // A call that reads this file has its content already.
    if (isDenied(file) || touched === file) return undefined;
    const shown = toSlashes(relative(this.#workspacePath, file));
    return taggedText("agents-md", text.trim(), `file=${JSON.stringify(shown)}`);
  }

  #of(folder: string): AgentsMd {
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    if (this.#folders.size >= mostFolders) this.#folders.clear();
    const made = new AgentsMd(folder, silentLog, this.#workspacePath);
    this.#folders.set(folder, made);
    return made;
  }
}

function pathOf(input: unknown): string | undefined {
  const path = (input as { path?: unknown } | null)?.path;
  return typeof path === "string" ? path : undefined;
}

/** The blocks that stand in the results of a history. */
function toldIn(history: readonly HistoryMessage[]): Set<string> {
  const blocks = new Set<string>();
  for (const { parts } of history) {
    for (const part of parts) {
      if (part.type !== "toolResult" || typeof part.output !== "string") continue;
      for (let at = part.output.indexOf(marker); at >= 0; ) {
        const next = part.output.indexOf(`\n\n${marker}`, at + 1);
        blocks.add(part.output.slice(at, next < 0 ? undefined : next));
        at = next < 0 ? -1 : next + 2;
      }
    }
  }
  return blocks;
}
