// Searches files with ripgrep, where it is installed. It gets the files by name, so that it
// searches the same files as our own search. Its configuration file is not read.
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { ChildNotStarted, startChild } from "../../base/childStart.js";
import { LineSplitter } from "../../base/lineSplitter.js";
import { systemErrorCode } from "../../base/systemError.js";
import { ToolFailure } from "../failure.js";
import { ownSearch } from "./ownSearch.js";
import { type Match, maxLineBytes, type Search, type Searcher } from "./search.js";

/** Characters of file names in one call; Windows takes 32,767 in all. */
const maxArgumentLength = 24_000;
const maxErrorLength = 2_000;

/** A {@link Searcher} that runs the ripgrep at `program`. */
export function ripgrepSearch(program: string, env: Readonly<Record<string, string>>): Searcher {
  return async function* search(wanted, files) {
    for (const batch of batches(files)) {
      wanted.signal.throwIfAborted();
      if (batch.some(spansLines)) yield* ownSearch(wanted, batch);
      else yield* searchBatch(program, env, wanted, batch);
    }
  };
}

async function* searchBatch(
  program: string,
  env: Readonly<Record<string, string>>,
  search: Search,
  files: readonly string[],
): AsyncGenerator<Match> {
  const { execa } = await import("execa");
  let subprocess: ReturnType<typeof begin>;
  try {
    subprocess = begin(execa, program, env, search, files);
  } catch (error) {
    if (!(error instanceof ChildNotStarted)) throw error;
    yield* ownSearch(search, files);
    return;
  }
  if (subprocess.pid === undefined) {
    await subprocess;
    yield* ownSearch(search, files);
    return;
  }
  const verified = new Set<string>();
  try {
    const splitter = new LineSplitter(maxLineBytes * 2);
    for await (const chunk of subprocess.stdout) {
      for (const { text } of splitter.push(chunk)) {
        const match = parseMatch(text);
        if (match !== undefined && (await isStillThere(search.root, match.file, verified))) {
          yield match;
        }
      }
    }
  } finally {
    // This also happens when the reader has enough.
    subprocess.kill("SIGKILL");
    await subprocess;
  }
  const result = await subprocess;
  search.signal.throwIfAborted();
  if (result.exitCode === 2) refuseBadPattern(String(result.stderr));
}

function begin(
  execa: typeof import("execa").execa,
  program: string,
  env: Readonly<Record<string, string>>,
  search: Search,
  files: readonly string[],
) {
  return startChild(() =>
    execa(program, [...options(search), "--", ...files], {
      cwd: search.root,
      env,
      extendEnv: false,
      stdin: "ignore",
      buffer: { stdout: false },
      maxBuffer: { stderr: maxErrorLength },
      reject: false,
      cancelSignal: search.signal,
    }),
  );
}

function options(search: Search): string[] {
  return [
    "--no-config",
    "--no-messages",
    "--no-ignore",
    "--hidden",
    "--color=never",
    "--no-heading",
    "--with-filename",
    "--line-number",
    "--null",
    "--crlf",
    // One thread keeps the order of the files; more would not.
    "--threads=1",
    ...(search.isLiteral ? ["--fixed-strings"] : []),
    ...(search.ignoreCase ? ["--ignore-case"] : []),
    `--regexp=${search.pattern}`,
  ];
}

/** Reads `file NUL line:text`. Other lines say that a binary file matches. */
function parseMatch(output: string): Match | undefined {
  const parts = /^([^\0]+)\0(\d+):(.*)$/s.exec(output);
  const [, file, line, text] = parts ?? [];
  if (file === undefined || line === undefined || text === undefined) return undefined;
  return { file, line: Number(line), text };
}

/** If a symbolic link has replaced a file meanwhile, ripgrep follows it. Then nothing is shown. */
async function isStillThere(root: string, file: string, verified: Set<string>): Promise<boolean> {
  if (verified.has(file)) return true;
  try {
    if ((await realpath(join(root, file))) !== join(root, file)) return false;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
  verified.add(file);
  return true;
}

/** Exit code 2 also means that a file could not be read, which is no failure. */
function refuseBadPattern(errors: string): void {
  if (errors.trim() === "") return;
  throw new ToolFailure(
    `\`pattern\` is no regular expression: ${errors.trim()}\nEscape it, or set \`literal\`.`,
  );
}

/** ripgrep writes names unchanged: the second line of such a name would look like another file. */
function spansLines(file: string): boolean {
  return /[\r\n]/.test(file);
}

/** Groups as many files as one call takes. A file whose name contains a line break is alone. */
function* batches(files: readonly string[]): Generator<string[]> {
  let batch: string[] = [];
  let length = 0;
  for (const file of files) {
    const isFull = length + file.length > maxArgumentLength || spansLines(file);
    if (isFull && batch.length > 0) {
      yield batch;
      batch = [];
      length = 0;
    }
    if (spansLines(file)) {
      yield [file];
    } else {
      batch.push(file);
      length += file.length + 3;
    }
  }
  if (batch.length > 0) yield batch;
}
