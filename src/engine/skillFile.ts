// Reads a skill from the disk: `SKILL.md`, whose front matter has its name and description. Anybody may
// have written the file, so it may be too large, not text, not YAML, or a trap.
import { lstat, realpath } from "node:fs/promises";
import { join } from "node:path";
import { textIn } from "../base/decodeText.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { isWithin } from "../base/insideFolder.js";
import { cutText } from "../base/text.js";
import { readBounded } from "./agentsMd.js";

/** The file that makes a folder a skill. */
export const skillFileName = "SKILL.md";

/** The values of a skill that are known before it is read. */
export interface SkillHead {
  readonly name: string;
  /** One line. */
  readonly description: string;
  readonly argumentHint?: string;
  /** Whether the model gets its name. If not, only the user can call it. */
  readonly isForModel: boolean;
  /** Whether the user can call it as a command. */
  readonly isCommand: boolean;
}

/** Why a skill is left out, in words for a person. */
export interface SkillFault {
  readonly fault: string;
}

const mostBytes = 64 * 1024;
/** The longest front matter that is parsed, in UTF-16 units: YAML of this length takes a few milliseconds. */
const longestHead = 8 * 1024;
const longestDescription = 1024;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/**
 * The text of a skill's file, at most 64 KiB of it. It must be in the skill's own folder. If it is a
 * link, its target must be there.
 */
export async function readSkillText(folder: string, file: string): Promise<string | SkillFault> {
  const [real, root] = await Promise.all([realpath(join(folder, file)), realpath(folder)]);
  if (!isWithin(root, real)) return { fault: `${file} leads out of the skill's folder` };
  // A pipe must not be opened: opening it would wait until a program writes to it.
  if (!(await lstat(real)).isFile()) return { fault: `${file} is no file` };
  const { bytes, isCut } = await readBounded(real, mostBytes);
  const text = textIn(bytes, isCut);
  if (text === undefined) return { fault: `${file} is no text` };
  return isCut ? `${text}\n[${file} is longer; the rest is left out]` : text;
}

/** Parses a skill's text. `folderName` is its name if the front matter has none. */
export async function parseSkill(
  text: string,
  folderName: string,
): Promise<(SkillHead & { readonly body: string }) | SkillFault> {
  const parts = frontMatter(text);
  if (parts === undefined) {
    return { fault: `${skillFileName} does not begin with front matter between two lines of ---` };
  }
  try {
    // In the bundle this package has only its default export.
    const { default: yaml } = await import("yaml");
    // Every alias is refused: a few of them can stand for gigabytes.
    const fields: unknown = yaml.parse(parts.head, { maxAliasCount: 0, logLevel: "silent" });
    const head = headOf(fields, folderName);
    return "fault" in head ? head : { ...head, body: parts.body };
  } catch (error) {
    const reason = cutText(messageOf(error).split("\n", 1)[0] ?? "", 200);
    return { fault: `its front matter cannot be read: ${reason}` };
  }
}

function frontMatter(text: string): { head: string; body: string } | undefined {
  const begin = /^\uFEFF?---[ \t]*\r?\n/.exec(text)?.[0].length;
  if (begin === undefined) return undefined;
  const end = /^---[ \t]*$/m.exec(text.slice(begin, begin + longestHead).replaceAll("\r", " "));
  if (end === null) return undefined;
  const head = text.slice(begin, begin + end.index);
  return { head, body: text.slice(begin + end.index + end[0].length).trim() };
}

function headOf(fields: unknown, folderName: string): SkillHead | SkillFault {
  if (typeof fields !== "object" || fields === null) return { fault: "its front matter is no map" };
  const read = (name: string): unknown =>
    Object.hasOwn(fields, name) ? (fields as Record<string, unknown>)[name] : undefined;
  const name = read("name") ?? folderName;
  if (typeof name !== "string" || !namePattern.test(name)) {
    return { fault: "its `name` is not made of at most 64 letters, digits, `-`, `_` and `.`" };
  }
  const description = oneLine(read("description"));
  if (description === "") return { fault: "it has no `description`" };
  return {
    name,
    description,
    isForModel: read("disable-model-invocation") !== true,
    isCommand: read("user-invocable") !== false,
    ...defined({ argumentHint: oneLine(read("argument-hint")).slice(0, 200) || undefined }),
  };
}

function oneLine(value: unknown): string {
  const text = typeof value === "string" ? value : "";
  return cutText(
    text
      .slice(0, 2 * longestDescription)
      .replaceAll(/\s+/g, " ")
      .trim(),
    longestDescription,
  );
}
