// What tells in the file whether messages have changed since they were read: a few numbers for each, and
// one text for the messages of a session.

/** What tells whether a message has changed. */
export interface RowMark {
  readonly position: number;
  readonly isSummary: boolean;
  readonly updatedAt: number;
  /** Of its parts, in bytes. */
  readonly size: number;
  /** It grows without being stored as a whole: of that, the mark does not tell. */
  readonly isOpen: boolean;
}

/**
 * The marks of rows as one text, in the order of their positions. A long session has thousands of marks:
 * one text costs a fraction of as many objects, and is compared at once.
 */
export type MarksText = string;

const between = ";";

/**
 * The query for the {@link MarksText} of the rows that `from` gives, in their order.
 *
 * @param isOpen tells of a row whether it grows.
 */
export const marksOf = (from: string, isOpen: string): string =>
  `SELECT group_concat(mark, '${between}') AS marks FROM (
     SELECT format('%d %d %d %d %d', position, isSummary, updatedAt, octet_length(parts), ${isOpen}) AS mark
     ${from})`;

/** The marks of a text. */
export function readMarks(text: MarksText): RowMark[] {
  return text.split(between).flatMap((mark) => {
    if (mark === "") return [];
    const [position = 0, isSummary, updatedAt = 0, size = 0, isOpen] = mark.split(" ").map(Number);
    return { position, isSummary: isSummary === 1, updatedAt, size, isOpen: isOpen === 1 };
  });
}

/** The marks of a text, and of what comes behind it. */
export function joined(marks: MarksText, more: MarksText): MarksText {
  return marks === "" || more === "" ? marks + more : marks + between + more;
}

/** What comes behind `beginning`; undefined if the marks do not begin with it. */
export function behind(beginning: MarksText, marks: MarksText): MarksText | undefined {
  const { length } = beginning;
  if (!marks.startsWith(beginning)) return undefined;
  if (length === 0 || marks.length === length) return marks.slice(length);
  return marks[length] === between ? marks.slice(length + between.length) : undefined;
}
