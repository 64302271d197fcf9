import { readlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import * as z from "zod";
import { systemErrorCode } from "../base/systemError.js";
import { defineTool } from "./defineTool.js";
import { reachForReading, requireFolder } from "./files/access.js";
import { type SearchScope, searchScope } from "./files/searchScope.js";
import { shownName } from "./files/shownName.js";
import { Walk, type WalkEntry } from "./files/walk.js";
import type { Tool } from "./tool.js";

const description = `Lists a folder as a tree, two levels deep unless \`depth\` says otherwise.
Folders end with \`/\`, symbolic links show their target; a name with control characters is shown as a JSON string. What .gitignore names is left out, and so are .git and node_modules.`;

const defaultDepth = 2;
const maxEntries = 1_000;

const inputSchema = z.object({
  path: z.string().min(1).optional().describe("The folder; the workspace unless told."),
  depth: z
    .int()
    .min(1)
    .max(20)
    .optional()
    .describe(`How many levels; ${defaultDepth} unless told.`),
});

/** `ls`: a folder's tree. */
export function lsTool(): Tool<z.output<typeof inputSchema>> {
  return defineTool(
    {
      name: "ls",
      readOnly: true,
      description,
      inputSchema,
      async execute(input, context) {
        const path = input.path ?? ".";
        const reached = await reachForReading(context, { tool: "ls", path, input });
        await requireFolder(reached.real, path);
        const scope = await searchScope(context, { tool: "ls", showsContents: false });
        const walk = new Walk({
          start: reached.real,
          scope,
          workspacePath: context.workspacePath,
          signal: context.signal,
          depth: input.depth ?? defaultDepth,
          maxEntries,
        });
        const folders = new Map<string, readonly WalkEntry[]>();
        for await (const folder of walk) folders.set(folder.relative, folder.entries);
        const lines = await renderTree({ folders, scope, left: maxEntries }, "", "");
        if (lines.length === 0) return { output: `${shownName(reached.shown)}/ (nothing to list)` };
        if (walk.isCutShort) lines.push("[There is more: name a deeper `path`.]");
        return { output: [`${shownName(reached.shown)}/`, ...lines].join("\n") };
      },
    },
    { inWorkspace: true },
  );
}

interface Listing {
  readonly folders: ReadonlyMap<string, readonly WalkEntry[]>;
  readonly scope: SearchScope;
  /** Entries that may still be shown. */
  left: number;
}

async function renderTree(listing: Listing, folder: string, indent: string): Promise<string[]> {
  const lines: string[] = [];
  for (const entry of listing.folders.get(folder) ?? []) {
    if (listing.left-- <= 0) {
      lines.push(`${indent}  …`);
      break;
    }
    lines.push(`${indent}  ${await label(entry, listing.scope)}`);
    if (entry.kind === "folder") {
      for (const line of await renderTree(listing, entry.relative, `${indent}  `)) lines.push(line);
    }
  }
  return lines;
}

async function label(entry: WalkEntry, scope: SearchScope): Promise<string> {
  const name = shownName(entry.name);
  if (entry.kind === "folder") return `${name}/`;
  if (entry.kind !== "link") return name;
  try {
    const target = await readlink(entry.path);
    const path = resolve(dirname(entry.path), target);
    // A link must not name what a rule hides from a listing.
    return scope.mayShow({ path, kind: "link" }) ? `${name} -> ${shownName(target)}` : name;
  } catch (error) {
    // It was removed or replaced after it was listed.
    if (systemErrorCode(error) === undefined) throw error;
    return name;
  }
}
