import { aboutPath, ToolFailure } from "../failure.js";
import { currentVersion } from "../files/atomicWrite.js";
import type { FileVersion } from "../files/open.js";
import type { ReachedPath } from "../files/paths.js";
import type { SessionState } from "../sessionState.js";

/**
 * The version of a file that is about to be changed; undefined when there is none.
 * @throws ToolFailure if the model has not read the file, or not its present version.
 */
export async function requireKnown(
  session: SessionState,
  reached: ReachedPath,
): Promise<FileVersion | undefined> {
  const now = await aboutPath(reached.shown, () => currentVersion(reached.real));
  if (now === undefined) return undefined;
  const known = session.knownVersion(reached.real);
  if (known === undefined) {
    throw new ToolFailure(`${reached.shown} exists and has not been read; \`read\` it first.`);
  }
  if (known !== now) {
    throw new ToolFailure(`${reached.shown} was changed since it was read; \`read\` it again.`);
  }
  return now;
}
