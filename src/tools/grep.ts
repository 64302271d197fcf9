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
import { shownIn } from "./files/paths.js";
import { requireReadable, searchScope } from "./files/searchScope.js";
import { shownName } from "./files/shownName.js";
import { Walk } from "./files/walk.js";
import { withContext } from "./search/contextLines.js";
import { fileTypes, isOfType } from "./search/fileTypes.js";
import { ownSearch } from "./search/ownSearch.js";
import { ripgrepSearch } from "./search/ripgrep.js";
import type { Match, Search, Searcher } from "./search/search.js";
import type { Tool, ToolContext } from "./tool.js";

const description = `Searches the lines of files for a regular expression and returns \`file:line: text\`, or with \`output\` only files or counts. With \`context\`, lines beside a match are \`file-line- text\`.
Keep to common syntax: no look-around, no back-references. \`literal\` searches for the text as it is. What .gitignore names is left out, and so are .git, node_modules and binary files; hidden files are searched.`;

const defaultLimit = 100;
const maxLimit = 1_000;
const maxTextLength = 400;
const filesPerBatch = 1_000;
const mostShownLines = 3_000;

const inputSchema = z.object({
  pattern: z.string().min(1).max(2_000).describe("The regular expression."),
  path: z
    .string()
    .min(1)
    .optional()
    .describe("The folder or file to search; the workspace unless told."),
  include: z.string().min(1).optional().describe("Only files that match this glob: `*.ts`."),
  ignoreCase: z.boolean().optional().describe("Whether `a` finds `A`; false unless told."),
  type: z
    .string()
    .max(50)
    .optional()
    .describe(`Only files of a type: ${fileTypes.join(", ")}.`),
  output: z
    .enum(["lines", "files", "counts"])
    .optional()
    .describe(
      "What to return: matching lines, or only the files' names, or how many lines of each.",
    ),
  context: z
    .int()
    .min(0)
    .max(20)
    .optional()
    .describe("Lines to show before and after each matching line; 0 unless told."),
  literal: z.boolean().optional().describe("Whether the pattern is plain text."),
  limit: z
    .int()
    .min(1)
    .max(maxLimit)
    .optional()
    .describe(`Matching lines, or files, to return; ${defaultLimit} unless told.`),
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
        const search = searchOf(root, input, context);
        const found = await collect(searcher, search, batches, input);
        const nameOf = (file: string) =>
          shownName(isFolder ? shownIn(reached, file) : reached.shown);
        const shown = await shownLines(found, { search, input, nameOf });
        return { output: render(shown, found, input, walk.isCutShort) };
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
  const isTyped = input.type === undefined ? undefined : isOfType(input.type);
  let batch: string[] = [];
  for await (const { entries } of walk) {
    const all = entries.filter(({ kind }) => kind === "file").map(({ relative }) => relative);
    const files = isTyped === undefined ? all : all.filter(isTyped);
    const chosen =
      wanted === undefined ? files : await filterInSlices(files, wanted, context.signal);
    for (const file of chosen) batch.push(file);
    if (batch.length < filesPerBatch) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** What was found: at most as much as is wanted. */
interface Found {
  readonly matches: readonly Match[];
  /** How many lines match in each file that counts. */
  readonly counts: ReadonlyMap<string, number>;
  readonly hasMore: boolean;
}

/** Searches until there is more than wanted. Only counting reads on within a file. */
async function collect(
  searcher: Searcher,
  search: Search,
  batches: AsyncIterable<string[]> | Iterable<string[]>,
  input: GrepInput,
): Promise<Found> {
  const limit = input.limit ?? defaultLimit;
  const matches: Match[] = [];
  const counts = new Map<string, number>();
  const isByFile = input.output === "files" || input.output === "counts";
  for await (const files of batches) {
    for await (const match of searcher(search, files)) {
      const count = counts.get(match.file) ?? 0;
      const isFull = isByFile ? count === 0 && counts.size >= limit : matches.length >= limit;
      if (isFull) return { matches, counts, hasMore: true };
      counts.set(match.file, count + 1);
      if (!isByFile) matches.push(match);
    }
  }
  return { matches, counts, hasMore: false };
}

async function shownLines(
  { matches, counts }: Found,
  about: { search: Search; input: GrepInput; nameOf(file: string): string },
): Promise<string[]> {
  const { search, input, nameOf } = about;
  if (input.output === "files") return [...counts.keys()].map(nameOf);
  if (input.output === "counts") {
    return [...counts].map(([file, count]) => `${nameOf(file)}: ${count}`);
  }
  const around = input.context ?? 0;
  const plain = (match: Match) => `${nameOf(match.file)}:${match.line}: ${shorten(match.text)}`;
  if (around === 0) return matches.map(plain);
  const shown: string[] = [];
  for (const file of new Set(matches.map((match) => match.file))) {
    const ofFile = matches.filter((match) => match.file === file);
    let last: number | undefined;
    for (const line of await withContext(search.root, ofFile, around, search.signal)) {
      const isApart = last === undefined ? shown.length > 0 : line.line > last + 1;
      if (isApart) shown.push("--");
      last = line.line;
      if (line.isMatch) shown.push(plain(line));
      else shown.push(`${nameOf(file)}-${line.line}- ${shorten(line.text)}`);
      if (shown.length >= mostShownLines) {
        return [...shown, "[More lines are left out: take less `context`, or narrow the search.]"];
      }
    }
  }
  return shown;
}

function render(
  shown: readonly string[],
  { hasMore }: Found,
  input: GrepInput,
  isCutShort: boolean,
): string {
  const cut = isCutShort ? "\n[Not all files were searched; name a deeper `path`.]" : "";
  if (shown.length === 0) return `No line matches ${input.pattern}.${cut}`;
  const limit = input.limit ?? defaultLimit;
  const what = (input.output ?? "lines") === "lines" ? "lines" : "files";
  const more = `\n\n[The first ${limit} ${what}; there are more: narrow the search.]`;
  return shown.join("\n") + (hasMore ? more : "") + cut;
}

function shorten(text: string): string {
  return text.length > maxTextLength ? `${cutText(text, maxTextLength)} […]` : text;
}
