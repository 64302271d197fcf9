// The skills of one workspace: the user's, and the workspace's own if it is trusted. The model gets their
// names and descriptions. Their texts are read when they are needed.
import { type Dirent, lstatSync, realpathSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { identityOf, missingIdentity } from "../base/fileIdentity.js";
import { isWithin } from "../base/insideFolder.js";
import type { Log } from "../base/log.js";
import { systemErrorCode } from "../base/systemError.js";
import { cutText } from "../base/text.js";
import type { Command } from "../protocol/objects/command.js";
import { ToolFailure } from "../tools/failure.js";
import type { SkillLibrary } from "../tools/skill.js";
import {
  parseSkill,
  readSkillText,
  type SkillFault,
  type SkillHead,
  skillFileName,
} from "./skillFile.js";

/** A folder with skills. Each skill has a folder of its own. */
export interface SkillPlace {
  readonly folder: string;
  /** The folder that must contain the real files. Undefined if skills may be links to any place. */
  readonly within: string | undefined;
}

/** A skill that was found. */
export interface Skill extends SkillHead {
  /** Its own folder. */
  readonly folder: string;
}

/** The present skills, and the ones that were left out. */
export interface FoundSkills {
  readonly skills: readonly Skill[];
  readonly warnings: readonly string[];
}

const mostOfPlace = 100;
const longestList = 16 * 1024;

/** Finds and reads skills. */
export class Skills {
  readonly #places: readonly SkillPlace[];
  readonly #log: Log;
  readonly #heads = new Map<
    string,
    { readonly identity: string; readonly head: SkillHead | SkillFault }
  >();

  constructor(places: readonly SkillPlace[], log: Log) {
    this.#places = places;
    this.#log = log;
  }

  /**
   * The present skills, by name. If two have the same name, the one of the first place is used. Denied
   * skills are left out. Never rejects.
   */
  async find(isDenied: (path: string) => boolean): Promise<FoundSkills> {
    const skills = new Map<string, Skill>();
    const warnings: string[] = [];
    for (const place of this.#places) {
      const { names, warning } = await namesIn(place);
      if (warning !== undefined) warnings.push(warning);
      for (const name of names) {
        const folder = join(place.folder, name);
        if (isDenied(join(folder, skillFileName))) continue;
        const head = await this.#headOf(folder, place);
        if (head === undefined) continue;
        if ("fault" in head) warnings.push(this.#leftOut(folder, head.fault));
        else if (!skills.has(head.name)) skills.set(head.name, { ...head, folder });
      }
    }
    const inOrder = [...skills.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return { skills: inOrder, warnings };
  }

  #leftOut(folder: string, reason: string): string {
    this.#log.warn({ folder, reason }, "a skill is left out");
    return `The skill ${cutText(basename(folder), 80)} is left out: ${reason}.`;
  }

  /** Reads the file again if it has changed. Undefined if there is no file. */
  async #headOf(folder: string, place: SkillPlace): Promise<SkillHead | SkillFault | undefined> {
    const identity = identityOf(join(folder, skillFileName));
    if (identity === missingIdentity) return undefined;
    const known = this.#heads.get(folder);
    if (known?.identity === identity) return known.head;
    const head = await readHead(folder, place).catch(
      (error: unknown): SkillFault => ({ fault: `it cannot be read: ${messageOf(error)}` }),
    );
    this.#heads.set(folder, { identity, head });
    return head;
  }
}

async function readHead(folder: string, place: SkillPlace): Promise<SkillHead | SkillFault> {
  if (place.within !== undefined) {
    const isInside = isWithin(realpathSync(place.within), realpathSync(folder));
    if (!isInside) return { fault: "its folder is a link that leads out of the workspace" };
  }
  const text = await readSkillText(folder, skillFileName);
  if (typeof text !== "string") return text;
  const skill = await parseSkill(text, basename(folder));
  if ("fault" in skill) return skill;
  const { body: _, ...head } = skill;
  return head;
}

async function namesIn(place: SkillPlace): Promise<{ names: string[]; warning?: string }> {
  let entries: Dirent[];
  try {
    // Most people have no skills. Reading a folder in a thread takes many times as long as this look.
    if (lstatSync(place.folder, { throwIfNoEntry: false }) === undefined) return { names: [] };
    const isLinkOut =
      place.within !== undefined &&
      !isWithin(realpathSync(place.within), realpathSync(place.folder));
    if (isLinkOut) return { names: [], warning: `${place.folder} leads out of the workspace.` };
    entries = await readdir(place.folder, { withFileTypes: true });
  } catch (error) {
    const isThere = !["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "");
    if (!isThere) return { names: [] };
    return { names: [], warning: `The skills in ${place.folder} cannot be read.` };
  }
  const names = entries
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map(({ name }) => name)
    .sort();
  if (names.length <= mostOfPlace) return { names };
  const warning = `${place.folder} holds more than ${mostOfPlace} skills: the rest is left out.`;
  return { names: names.slice(0, mostOfPlace), warning };
}

/** The text about the skills for the model: a line for each, while there is room. */
export function skillList(skills: readonly Skill[]): string {
  let list = "";
  for (const { name, description } of skills.filter(({ isForModel }) => isForModel)) {
    const line = `- ${name}: ${description}\n`;
    list += list.length + line.length <= longestList ? line : `- ${name}\n`;
  }
  return list.trimEnd();
}

/** The skills as commands of the user. */
export function skillCommands(skills: readonly Skill[]): Command[] {
  return skills
    .filter(({ isCommand }) => isCommand)
    .map(({ name, description, argumentHint }) => ({
      name,
      description: cutText(description, 500),
      source: "skill",
      ...defined({ argumentHint }),
    }));
}

/** The text of a skill that was called as a command, with the user's arguments. */
export async function expandSkill(skill: Skill, rest: string): Promise<string> {
  const said = await bodyOf(skill);
  if (typeof said !== "string") return `[This skill could not be read: ${said.fault}]`;
  const body = `The skill ${skill.name} (its files are in ${skill.folder}):\n\n`;
  if (said.includes("$ARGUMENTS")) return body + said.replaceAll("$ARGUMENTS", () => rest);
  return body + said + (rest === "" ? "" : `\n\nArguments: ${rest}`);
}

async function bodyOf(skill: Skill): Promise<string | SkillFault> {
  const text = await readSkillText(skill.folder, skillFileName).catch(
    (error: unknown): SkillFault => ({ fault: messageOf(error) }),
  );
  if (typeof text !== "string") return text;
  const parsed = await parseSkill(text, basename(skill.folder));
  return "fault" in parsed ? parsed : parsed.body;
}

/** The source from which the tool `skill` reads. */
export function skillLibrary(skills: readonly Skill[]): SkillLibrary {
  const of = (name: string): Skill => {
    const found = skills.find((skill) => skill.name === name && skill.isForModel);
    if (found !== undefined) return found;
    const names = skills.filter(({ isForModel }) => isForModel).map((skill) => skill.name);
    throw new ToolFailure(`There is no skill ${name}. There are: ${names.join(", ") || "none"}.`);
  };
  return {
    folderOf: (name) => of(name).folder,
    async read(name, file) {
      const skill = of(name);
      const text =
        file === undefined ? await bodyOf(skill) : await readSkillText(skill.folder, file);
      if (typeof text !== "string") throw new ToolFailure(`${text.fault}.`);
      return text;
    },
  };
}
