// The sentences of protocol.md, with the ids and comments that stand behind them.

/** A stretch of text, up to the next ids or comment, or to the end of its paragraph. */
export interface Mark {
  readonly section: number;
  readonly text: string;
  readonly ids: readonly string[];
  /** How many sentences the comment says that the stretch has, and why nothing checks them. */
  readonly unchecked?: { readonly count: number; readonly reason: string };
}

const behind = /((?:\s*\[TW-[A-Z]+-\d{3}\])+)|\s*<!-- unchecked (\d+): (\w+) -->/g;

/** The stretches of the numbered sections up to 9, and of section 11's first words. */
export function marksOf(page: string): readonly Mark[] {
  const marks: Mark[] = [];
  let section = 0;
  let isGenerated = false;
  const lines = page.split("\n");
  for (const [index, line] of lines.entries()) {
    if (line.startsWith("<!-- /generated")) isGenerated = false;
    else if (line.startsWith("<!-- generated")) isGenerated = true;
    else if (line.startsWith("## ")) section = Number(/^## (\d+)\. /.exec(line)?.[1] ?? 0);
    else if (!isGenerated && section > 0 && isProse(line, lines[index + 1])) {
      marks.push(...stretchesOf(line, section));
    }
  }
  return marks.filter((mark) => mark.section < 10 || mark.ids.length > 0);
}

function isProse(line: string, next = ""): boolean {
  return /\w/.test(line) && !line.startsWith("#") && !next.startsWith("| ---");
}

function stretchesOf(line: string, section: number): Mark[] {
  const marks: Mark[] = [];
  let from = 0;
  for (const found of line.matchAll(behind)) {
    const [all, ids = "", count, reason = ""] = found;
    const text = line.slice(from, found.index).trim();
    from = found.index + all.length;
    if (count === undefined) marks.push({ section, text, ids: ids.match(/TW-[A-Z]+-\d+/g) ?? [] });
    else marks.push({ section, text, ids: [], unchecked: { count: Number(count), reason } });
  }
  const rest = line.slice(from).trim();
  if (/\w/.test(rest)) marks.push({ section, text: rest, ids: [] });
  return marks;
}

/** How many sentences a stretch has; what has no end of its own is one too. */
export function sentencesIn(text: string): number {
  const pieces = text.split(/(?<=[.!?]["')*]{0,3})(?=\s|$)/);
  return pieces.filter((piece) => /[A-Za-z]/.test(piece)).length;
}
