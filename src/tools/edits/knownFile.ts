import { ToolFailure } from "../failure.js";
import type { FileVersion } from "../files/open.js";
import type { ReachedPath } from "../files/paths.js";
import type { SessionState } from "../sessionState.js";

/**
 * Makes sure that the model knows the present version of a file that is about to be changed.
 * @param now undefined if there is no file.
 * @throws ToolFailure if the model has not read the file, or not its present version.
 */
export function requireKnown(
  session: SessionState,
  reached: ReachedPath,
  now: FileVersion | undefined,
): void {
  if (now === undefined) return;
  const known = session.knownVersion(reached.real);
  if (known === undefined) {
    throw new ToolFailure(`${reached.shown} exists and has not been read; \`read\` it first.`);
  }
  if (known !== now) {
    throw new ToolFailure(`${reached.shown} was changed since it was read; \`read\` it again.`);
  }
}
