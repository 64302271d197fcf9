import { lstat } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { Glob } from "../base/glob.js";
import { systemErrorCode } from "../base/systemError.js";
import { formatCount } from "../base/text.js";
import { defineTool } from "./defineTool.js";
import { reachForReading, requireFolder } from "./files/access.js";
import { filterInSlices } from "./files/inSlices.js";
import { pathPattern } from "./files/pathPattern.js";
import { shownIn } from "./files/paths.js";
import { searchScope } from "./files/searchScope.js";
import { shownName } from "./files/shownName.js";
import { Walk, type WalkEntry } from "./files/walk.js";
import type { Tool } from "./tool.js";

const description = `Finds files by a glob such as \`src/**/*.ts\` or \`*.{json,md}\`, newest first.
A pattern without \`/\` finds the name at any depth. What .gitignore names is left out, and so are .git and node_modules; hidden files are found. A path with control characters is shown as a JSON string.`;

const maxResults = 200;
const maxCandidates = 20_000;

const inputSchema = z.object({
  pattern: z.string().min(1).describe("The glob, relative to `path`."),
  path: z.string().min(1).optional().describe("The folder to search; the workspace unless told."),
});

/** `glob`: files by name. */
export function globTool(): Tool<z.output<typeof inputSchema>> {
  return defineTool(
    {
      name: "glob",
      readOnly: true,
      description,
      inputSchema,
      async execute(input, context) {
        const path = input.path ?? ".";
        const matches = pathPattern("pattern", input.pattern);
        const reached = await reachForReading(context, { tool: "glob", path, input });
        await requireFolder(reached.real, path);
        const { workspacePath, signal } = context;
        const scope = await searchScope(context, { tool: "glob", showsContents: false });
        const walk = new Walk({ start: reached.real, workspacePath, signal, scope });
        const found: string[] = [];
        for await (const { entries } of walk) {
          for (const { relative } of await matching(entries, matches, signal)) found.push(relative);
          if (found.length > maxCandidates) break;
        }
        if (found.length === 0) return { output: `No file matches ${input.pattern}.` };
        const shown = (await newestFirst(reached.real, found)).slice(0, maxResults);
        const lines = shown.map((way) => shownName(shownIn(reached, way)));
        const isCut = walk.isCutShort || shown.length < found.length;
        const note = `\n\n[The newest ${shown.length} of ${formatCount(found.length)} or more; narrow the pattern.]`;
        return { output: lines.join("\n") + (isCut ? note : "") };
      },
    },
    { inWorkspace: true },
  );
}

function matching(
  entries: readonly WalkEntry[],
  matches: Glob,
  signal: AbortSignal,
): Promise<WalkEntry[]> {
  const isFound = ({ kind, relative }: WalkEntry) =>
    (kind === "file" || kind === "link") && matches(relative);
  return filterInSlices(entries, isFound, signal);
}

async function newestFirst(root: string, paths: readonly string[]): Promise<string[]> {
  const dated: { path: string; changed: number }[] = [];
  for (const path of paths) dated.push({ path, changed: await changedAt(join(root, path)) });
  dated.sort((a, b) => b.changed - a.changed || (a.path < b.path ? -1 : 1));
  return dated.map(({ path }) => path);
}

async function changedAt(path: string): Promise<number> {
  try {
    return (await lstat(path)).mtimeMs;
  } catch (error) {
    // It was removed after it was listed.
    if (systemErrorCode(error) === undefined) throw error;
    return 0;
  }
}
