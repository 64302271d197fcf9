import { join } from "node:path";
import picomatch from "picomatch";

/** A longer pattern than this was written to be slow. */
const maxPatternLength = 1_000;

/**
 * Whether a path matches a glob: `*` within a folder, `**` across folders. A pattern that ends in
 * `/` covers what is in that folder; one that begins with `~/` begins at `home`.
 */
export function matchesPath(pattern: string, path: string, home: string | undefined): boolean {
  if (pattern.length > maxPatternLength) return false;
  const anchored = withoutShorthand(pattern, home);
  const glob = pattern.endsWith("/") ? `${anchored.replace(/\/+$/, "")}/**` : anchored;
  // Patterns may come from a folder that nobody vouches for: nothing in them may run long.
  // A line break is as good as any other character in a name: `flags` lets `**` cover it.
  const options = { dot: true, nonegate: true, noextglob: true, flags: "s" };
  return picomatch.isMatch(path, glob, options);
}

/** A pattern with `~/` as the home that it stands for, and without the `./` that stands for nothing. */
export function withoutShorthand(pattern: string, home: string | undefined): string {
  const fromHome =
    pattern.startsWith("~/") && home !== undefined ? join(home, pattern.slice(2)) : pattern;
  return fromHome.replace(/^(?:\.\/)+/, "");
}
