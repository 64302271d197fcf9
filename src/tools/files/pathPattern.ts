import { compileGlob, type Glob, maxGlobLength } from "../../base/glob.js";
import { ToolFailure } from "../failure.js";

/**
 * Makes a test from a glob of the model, for paths with `/`. A pattern without `/` matches names at
 * any depth.
 * @throws ToolFailure, naming `field`, when it is too long.
 */
export function pathPattern(field: string, pattern: string): Glob {
  let start = 0;
  while (pattern.startsWith("/", start) || pattern.startsWith("./", start)) {
    start += pattern[start] === "/" ? 1 : 2;
  }
  const anchored = pattern.slice(start);
  const anywhere = anchored.includes("/") ? anchored : `**/${anchored}`;
  if (anywhere.length > maxGlobLength) {
    throw new ToolFailure(
      `\`${field}\` is longer than ${maxGlobLength - 3} characters; shorten it.`,
    );
  }
  return compileGlob(anywhere);
}
