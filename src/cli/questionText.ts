/**
 * The text that a person sees before a tool may act: everything that would run or change. Each line
 * of it stays one line on the terminal, whatever characters it contains.
 */
import type { PermissionQuestion } from "../protocol/registry.js";
import { visibleLine, visibleLines } from "./visibleText.js";

/**
 * The lines of a question, without the choice.
 *
 * @param isColored whether lines of a diff have colours: those of the terminal's own palette, which fit
 * a light and a dark background.
 */
export function questionLines(question: PermissionQuestion, isColored = false): string[] {
  const { tool, path, cwd } = question;
  const body = bodyOf(question, isColored ? colored : (line) => line);
  return [
    ...(path === undefined ? [] : [`Path: ${visibleLine(path)}`]),
    ...(cwd === undefined ? [] : [`Folder: ${visibleLine(cwd)}`]),
    ...titled(`${visibleLine(tool)}: ${body.title}`, body.lines),
  ];
}

/** A line of a diff, green where something comes, red where something goes. */
function colored(line: string): string {
  if (/^(\+\+\+|---) /.test(line)) return `\u001b[1m${line}\u001b[22m`;
  const color = { "+": 32, "-": 31, "@": 36 }[line[0] ?? ""];
  return color === undefined ? line : `\u001b[${color}m${line}\u001b[39m`;
}

interface Body {
  readonly title: string;
  readonly lines: readonly string[];
}

function titled(title: string, lines: readonly string[]): string[] {
  return [title, ...lines.map((line) => `  │ ${line}`)];
}

function bodyOf(
  { tool, description, input, diff, diffTruncated }: PermissionQuestion,
  paint: (line: string) => string,
): Body {
  const fields = fieldsOf(input);
  if (tool === "bash" && typeof fields.command === "string")
    return commandBody(fields.command, fields);
  const title = visibleLine(description);
  if (diff !== undefined) {
    const lines = diff
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => paint(visibleLine(line)));
    if (!diffTruncated) return { title, lines };
    return {
      title,
      lines: [...lines, "The diff goes on; this is all of the input:", ...inputLines(input)],
    };
  }
  return { title, lines: inputLines(input) };
}

function commandBody(command: string, { command: _, ...others }: Record<string, unknown>): Body {
  // Fields that do not change what runs are left out: the model's own description of it.
  const { description: __, ...rest } = others;
  const more = Object.keys(rest).length === 0 ? [] : [`with ${visibleLine(JSON.stringify(rest))}`];
  const lines = visibleLines(command);
  const [only] = lines;
  if (lines.length === 1) return { title: `Run: ${only}`, lines: more };
  return { title: `Run these ${lines.length} lines:`, lines: [...lines, ...more] };
}

/** Every field of an input: texts line by line, other values as JSON. */
function inputLines(input: unknown): string[] {
  return Object.entries(fieldsOf(input)).flatMap(([name, value]) => {
    if (typeof value !== "string") {
      const json = (JSON.stringify(value, null, 2) ?? "").split("\n").map(visibleLine);
      return json.length === 1
        ? [`${visibleLine(name)}: ${json[0]}`]
        : [`${visibleLine(name)}:`, ...json];
    }
    const lines = visibleLines(value);
    return lines.length === 1
      ? [`${visibleLine(name)}: ${lines[0]}`]
      : [`${visibleLine(name)}:`, ...lines];
  });
}

function fieldsOf(input: unknown): Record<string, unknown> {
  if (typeof input === "object" && input !== null && !Array.isArray(input)) return { ...input };
  return input === undefined ? {} : { input };
}
