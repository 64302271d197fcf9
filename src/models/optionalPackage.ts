// Packages that are too heavy for every installation. A user who needs one installs it beside
// Turnwire.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { SetupError } from "./setupError.js";

/**
 * Loads a package that the user has installed beside Turnwire: in the same `node_modules`, or in one
 * above it. The working directory does not count, since it may be anybody's.
 *
 * @param purpose what it is needed for, as it goes on after "needs the package … ".
 * @throws SetupError, with the command that installs the package, if it is missing.
 */
export async function loadBeside(
  name: string,
  purpose: string,
  from: string = import.meta.url,
): Promise<unknown> {
  let path: string;
  try {
    path = createRequire(from).resolve(name);
  } catch {
    const what = `needs the package ${name} ${purpose}, and it is not installed`;
    const advice = `Install it where Turnwire is: npm install ${name} (with -g if Turnwire is installed so).`;
    throw new SetupError(what, advice, true);
  }
  return import(pathToFileURL(path).href);
}
