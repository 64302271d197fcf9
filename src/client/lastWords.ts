// Finds the best explanation at the end of a program's stderr.

/** The beginning of the line in which `turnwire serve` says why its start failed. */
const ownPrefix = "turnwire: ";
const longest = 500;

/**
 * The line that best explains why a program ended: its own error message, else the uncaught error,
 * else the last line that is neither a log record nor a part of a stack. Empty if there is none.
 */
export function lastWords(stderr: string): string {
  const lines = stderr
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== "" && !/^\s|^Node\.js v\d/.test(line));
  const own = lines.findLast((line) => line.startsWith(ownPrefix))?.slice(ownPrefix.length);
  const uncaught = lines.findLast((line) => /^(Uncaught )?[A-Z]\w{0,60}Error\b/.test(line));
  const words = own ?? uncaught ?? lines.findLast((line) => !line.startsWith("{")) ?? "";
  return words.length <= longest ? words : `${words.slice(0, longest)}…`;
}
