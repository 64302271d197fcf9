import picomatch from "picomatch";
import { ToolFailure } from "../failure.js";

const maxLength = 1_000;

/**
 * Makes a test of a glob of the model's, for paths with `/`. A pattern without `/` is for names at
 * any depth.
 * @throws ToolFailure, naming `field`, when it is no glob.
 */
export function pathPattern(field: string, pattern: string): (path: string) => boolean {
  if (pattern.length > maxLength) {
    throw new ToolFailure(`\`${field}\` is longer than ${maxLength} characters; shorten it.`);
  }
  const anchored = pattern.replace(/^(?:\.?\/)+/, "");
  const anywhere = anchored.includes("/") ? anchored : `**/${anchored}`;
  try {
    return picomatch(anywhere, { dot: true, nonegate: true, flags: "s" });
  } catch (error) {
    throw new ToolFailure(`\`${field}\` is no glob: ${pattern}`, { cause: error });
  }
}
