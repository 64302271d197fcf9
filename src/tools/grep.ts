import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import * as z from "zod";
import { cutText } from "../base/text.js";
import { findProgram } from "../process/findProgram.js";
import { defineTool } from "./defineTool.js";
import { aboutPath, ToolFailure } from "./failure.js";
import { reachForReading } from "./files/access.js";
import { filterInSlices } from "./files/inSlices.js";
import { pathPattern } from "./files/pathPattern.js";
import { type ReachedPath, shownIn } from "./files/paths.js";
import { requireReadable, searchScope } from "./files/searchScope.js";
import { shownName } from "./files/shownName.js";
import { Walk } from "./files/walk.js";
import { ownSearch } from "./search/ownSearch.js";
import { ripgrepSearch } from "./search/ripgrep.js";
import type { Match, Search, Searcher } from "./search/search.js";
import type { Tool, ToolContext } from "./tool.js";

const description = `Searches the lines of files for a regular expression and returns \`file:line: text\`.
Keep to common syntax: no look-around, no back-references. \`literal\` searches for the text as it is. What .gitignore names is left out, and so are .git, node_modules and binary files; hidden files are searched.`;

const defaultLimit = 100;
const maxLimit = 1_000;
const maxTextLength = 400;
const filesPerBatch = 1_000;

const inputSchema = z.object({
  pattern: z.string().min(1).max(2_000).describe("The regular expression."),
  path: z
    .string()
    .min(1)
    .optional()
    .describe("The folder or file to search; the workspace unless told."),
  include: z.string().min(1).optional().describe("Only files that match this glob: `*.ts`."),
  ignoreCase: z.boolean().optional().describe("Whether `a` finds `A`; false unless told."),
  literal: z.boolean().optional().describe("Whether the pattern is plain text."),
  limit: z
    .int()
    .min(1)
    .max(maxLimit)
    .optional()
    .describe(`Lines to return; ${defaultLimit} unless told.`),
});
type GrepInput = z.output<typeof inputSchema>;

/** `grep`: lines by content. `ripgrep: false` keeps to our own search. */
export function grepTool(options: { ripgrep: boolean }): Tool<GrepInput> {
  return defineTool(
    {
      name: "grep",
      readOnly: true,
      description,
      inputSchema,
      async execute(input, context) {
        if (input.pattern.includes("\n")) {
          throw new ToolFailure("`pattern` spans lines; lines are searched one by one.");
        }
        const path = input.path ?? ".";
        const reached = await reachForReading(context, { tool: "grep", path, input });
        const isFolder = (await aboutPath(path, () => stat(reached.real))).isDirectory();
        const root = isFolder ? reached.real : dirname(reached.real);
        const searcher = await chooseSearcher(options.ripgrep, context);
        if (!isFolder) await requireReadable(context, reached);
        const scope = await searchScope(context, { tool: "grep", showsContents: true });
        const walk = new Walk({
          start: root,
          scope,
          workspacePath: context.workspacePath,
          signal: context.signal,
        });
        const batches = isFolder ? filesOf(walk, input, context) : [[basename(reached.real)]];
        const matches = await collect(searcher, searchOf(root, input, context), batches, input);
        const shown = matches.map((match) => renderMatch(match, reached, isFolder));
        return { output: render(shown, input, walk.isCutShort) };
      },
    },
    { inWorkspace: true },
  );
}

async function chooseSearcher(mayUseRipgrep: boolean, context: ToolContext): Promise<Searcher> {
  if (!mayUseRipgrep) return ownSearch;
  const program = await findProgram("rg", context.env.PATH, context.workspacePath);
  return program === undefined ? ownSearch : ripgrepSearch(program, context.env);
}

function searchOf(root: string, input: GrepInput, context: ToolContext): Search {
  return {
    root,
    pattern: input.pattern,
    isLiteral: input.literal ?? false,
    ignoreCase: input.ignoreCase ?? false,
    signal: context.signal,
  };
}

/** The files to search, in batches, so that a search that has enough does not walk further. */
async function* filesOf(
  walk: Walk,
  input: GrepInput,
  context: ToolContext,
): AsyncGenerator<string[]> {
  const wanted = input.include === undefined ? undefined : pathPattern("include", input.include);
  let batch: string[] = [];
  for await (const { entries } of walk) {
    const files = entries.filter(({ kind }) => kind === "file").map(({ relative }) => relative);
    const chosen =
      wanted === undefined ? files : await filterInSlices(files, wanted, context.signal);
    for (const file of chosen) batch.push(file);
    if (batch.length < filesPerBatch) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** The first matches, and one more than wanted if there are more. */
async function collect(
  searcher: Searcher,
  search: Search,
  batches: AsyncIterable<string[]> | Iterable<string[]>,
  input: GrepInput,
): Promise<Match[]> {
  const matches: Match[] = [];
  for await (const files of batches) {
    for await (const match of searcher(search, files)) {
      matches.push(match);
      if (matches.length > (input.limit ?? defaultLimit)) return matches;
    }
  }
  return matches;
}

function renderMatch(match: Match, reached: ReachedPath, isFolder: boolean): string {
  const file = isFolder ? shownIn(reached, match.file) : reached.shown;
  return `${shownName(file)}:${match.line}: ${shorten(match.text)}`;
}

function render(matches: readonly string[], input: GrepInput, isCutShort: boolean): string {
  const limit = input.limit ?? defaultLimit;
  const cut = isCutShort ? "\n[Not all files were searched; name a deeper `path`.]" : "";
  if (matches.length === 0) return `No line matches ${input.pattern}.${cut}`;
  const lines = matches.slice(0, limit);
  const more = `\n\n[The first ${limit} lines; there are more: narrow the search.]`;
  return lines.join("\n") + (matches.length > limit ? more : "") + cut;
}

function shorten(text: string): string {
  return text.length > maxTextLength ? `${cutText(text, maxTextLength)} […]` : text;
}
