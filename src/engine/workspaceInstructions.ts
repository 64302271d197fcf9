// All instructions for the model in a workspace: the user's own, the workspace's, those of its folders, and
// skills.
import { dirname, isAbsolute, join } from "node:path";
import { homeFolder } from "../base/baseFolders.js";
import type { Log } from "../base/log.js";
import { userConfigPath } from "../config/paths.js";
import type { ResolvedConfig } from "../config/types.js";
import { readCommand } from "../mcp/promptCommands.js";
import type { Command } from "../protocol/objects/command.js";
import { skillTool } from "../tools/skill.js";
import type { Tool } from "../tools/tool.js";
import {
  AgentsMd,
  agentsMdName,
  type Instructions,
  isFileDenied,
  type RuledFolders,
} from "./agentsMd.js";
import type { PresentState } from "./circumstances.js";
import type { HistoryMessage, SessionBegin } from "./engine.js";
import { FolderInstructions } from "./folderInstructions.js";
import type { EngineSetup, EngineWorkspace } from "./setup.js";
import {
  expandSkill,
  type Skill,
  type SkillPlace,
  Skills,
  skillCommands,
  skillLibrary,
  skillList,
} from "./skills.js";

/** The present instructions. */
export interface PresentInstructions {
  readonly state: Pick<PresentState, "agentsMd" | "userAgentsMd" | "skills" | "isAgentsMdDenied">;
  readonly skills: readonly Skill[];
  /** The files that were left out, in words for a person. */
  readonly warnings: readonly string[];
}

const noInstructions: Instructions = {};

type Env = Readonly<Record<string, string | undefined>>;

/** The instructions of one workspace. */
export class WorkspaceInstructions {
  /** The home that the user's own file was looked for in, and the workspace. */
  readonly ruledFolders: RuledFolders;
  readonly #own: AgentsMd;
  readonly #ofUser: AgentsMd | undefined;
  readonly #userFile: string | undefined;
  readonly #folders: FolderInstructions;
  readonly #skills: Skills;

  constructor({ path, trusted, env: own }: EngineWorkspace, serverEnv: Env, log: Log) {
    const env = { ...serverEnv, ...own };
    const userFolder = userFolderOf(env);
    this.ruledFolders = { workspacePath: path, home: homeFolder(env) };
    this.#own = new AgentsMd(path, log);
    this.#ofUser = userFolder === undefined ? undefined : AgentsMd.ofUser(userFolder, log);
    this.#userFile = userFolder === undefined ? undefined : join(userFolder, agentsMdName);
    this.#folders = new FolderInstructions(path);
    this.#skills = new Skills(
      [
        ...userPlaces(userFolder, this.ruledFolders.home),
        ...(trusted ? workspacePlaces(path) : []),
      ],
      log,
    );
  }

  /** The present instructions, without files that rules keep from the model. Never rejects. */
  async now(config: ResolvedConfig): Promise<PresentInstructions> {
    const [own, ofUser, found] = await Promise.all([
      this.#own.read(config.contextFiles),
      this.#ofUser?.read() ?? noInstructions,
      this.#findSkills(config),
    ]);
    const isDenied = [agentsMdName, own.name ?? agentsMdName].some((name) =>
      this.#isDenied(config, join(this.ruledFolders.workspacePath, name)),
    );
    const isUsersDenied = this.#userFile !== undefined && this.#isDenied(config, this.#userFile);
    const warnings = [
      ...(isDenied || own.warning === undefined ? [] : [own.warning]),
      ...(ofUser.warning === undefined ? [] : [`The user's own ${ofUser.warning}`]),
      ...found.warnings,
    ];
    return {
      state: {
        agentsMd: isDenied ? undefined : shown(own),
        userAgentsMd: isUsersDenied ? undefined : ofUser.text,
        skills: skillList(found.skills),
        isAgentsMdDenied: isDenied,
      },
      skills: found.skills,
      warnings,
    };
  }

  #findSkills(config: ResolvedConfig) {
    return this.#skills.find((path) => this.#isDenied(config, path, ["read", "skill"]));
  }

  #isDenied({ permissionRules }: ResolvedConfig, path: string, tools?: readonly string[]): boolean {
    return isFileDenied(permissionRules, path, this.ruledFolders, tools);
  }

  /**
   * A turn's tools with the additions of its instructions: `skill`, if the session has skills, and the
   * instructions of a folder in the result of the first call that touches it.
   */
  tools(
    tools: readonly Tool[],
    present: Pick<PresentInstructions, "skills">,
    session: {
      readonly sessionId: string;
      readonly history: readonly HistoryMessage[];
      readonly begin: SessionBegin;
      readonly config: ResolvedConfig;
    },
  ): Tool[] {
    const { config, begin, ...told } = session;
    const hasSkills = begin.skills !== undefined || present.skills.some((one) => one.isForModel);
    const own = hasSkills ? [skillTool(skillLibrary(present.skills)) as Tool] : [];
    const around = this.#folders.around(tools, {
      ...told,
      contextFiles: config.contextFiles,
      isDenied: (path) => this.#isDenied(config, path),
    });
    return [...around, ...own];
  }

  /** The skills as commands. */
  async commands(config: ResolvedConfig): Promise<Command[]> {
    return skillCommands((await this.#findSkills(config)).skills);
  }

  /** The expansion of a prompt that begins with a skill's name. Undefined if it does not. */
  async expand(text: string, skills: readonly Skill[]): Promise<string | undefined> {
    const command = readCommand(text);
    const skill = skills.find(({ name, isCommand }) => isCommand && name === command?.name);
    return skill === undefined ? undefined : await expandSkill(skill, command?.rest ?? "");
  }
}

/** A configuration with the rules that one run adds. */
export function ruledBy(config: ResolvedConfig, options: EngineSetup["options"]): ResolvedConfig {
  const { allow, deny } = config.permissionRules;
  const permissionRules = { allow, deny: [...deny, ...(options?.tools?.deny ?? [])] };
  return { ...config, permissionRules };
}

/** Instructions, with the name of their file if it is not the usual one. */
function shown({ text, name }: { text?: string; name?: string }): string | undefined {
  if (text === undefined || name === agentsMdName) return text;
  return `(The workspace has no ${agentsMdName}. This is its ${name}.)\n\n${text}`;
}

/** The folder of the user's configuration. */
function userFolderOf(env: Env): string | undefined {
  const path = userConfigPath(env)?.path;
  return path === undefined || !isAbsolute(path) ? undefined : dirname(path);
}

function userPlaces(folder: string | undefined, home: string | undefined): SkillPlace[] {
  const folders = [
    ...(folder === undefined ? [] : [join(folder, "skills")]),
    ...(home === undefined ? [] : [join(home, ".agents", "skills")]),
  ];
  return folders.map((one) => ({ folder: one, within: undefined }));
}

function workspacePlaces(path: string): SkillPlace[] {
  return [".turnwire", ".agents", ".claude"].map((name) => ({
    folder: join(path, name, "skills"),
    within: path,
  }));
}
