import { join } from "node:path";
import * as z from "zod";
import { leadsTo } from "../base/leadsTo.js";
import { PermissionRefused } from "../permissions/requirePermission.js";
import { defineTool } from "./defineTool.js";
import type { Tool } from "./tool.js";

const description = `Reads a skill: instructions for one kind of task. Without \`file\` it gives the skill's own text; with \`file\` another file of the skill's folder that this text names.
The skills are listed under "Skills".`;

const inputSchema = z.object({
  name: z.string().min(1).max(64).describe("The skill's name."),
  file: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe("A file of the skill's folder, relative to it; its `SKILL.md` unless told."),
});

/** The source of skills. Each method throws `ToolFailure` if the skill or file is not there. */
export interface SkillLibrary {
  /** The skill's folder. */
  folderOf(name: string): string;
  /** The text of the skill, or of a file of its folder. */
  read(name: string, file: string | undefined): Promise<string>;
}

/** What a model is told of `skill`. */
export const skillDescription = {
  name: "skill",
  readOnly: true,
  description,
  inputSchema,
} as const;

/** `skill`: returns the text of a skill. */
export function skillTool(library: SkillLibrary): Tool<z.output<typeof inputSchema>> {
  return defineTool({
    ...skillDescription,
    async execute({ name, file }, { permissions }) {
      const folder = library.folderOf(name);
      const path = join(folder, file ?? "SKILL.md");
      const hides = await permissions.hides?.(["skill", "read"]);
      if (hides?.({ shown: path, real: leadsTo(path) }) === true) {
        throw new PermissionRefused(`Permission is denied: a rule denies the skill ${name}.`);
      }
      const text = await library.read(name, file);
      return { output: file === undefined ? `The skill's folder: ${folder}\n\n${text}` : text };
    },
  });
}
