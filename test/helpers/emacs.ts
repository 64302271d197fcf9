/** Emacs without a screen, for what is tried with it for real. */
import { execFileSync } from "node:child_process";
import { delimiter } from "node:path";
import { onWindows } from "./unless.js";

/** Whether Emacs is missing, or older than `oldest`. */
export function hasNoEmacs(oldest = 28): boolean {
  if (onWindows) return true;
  try {
    const version = execFileSync("emacs", ["--version"], { encoding: "utf8" });
    return !(Number(/^GNU Emacs (\d+)/.exec(version)?.[1]) >= oldest);
  } catch {
    return true;
  }
}

export const noEmacs = "there is no Emacs 28 or newer here";

/**
 * The file of a library that somebody else wrote: in a folder that `TURNWIRE_TEST_ELISP` names (several
 * are separated as in a PATH), or where this Emacs has its packages. Undefined where there is none.
 */
export function emacsLibrary(name: string): string | undefined {
  if (hasNoEmacs()) return undefined;
  const folders = (process.env.TURNWIRE_TEST_ELISP ?? "").split(delimiter).filter(Boolean);
  const places = folders.flatMap((folder) => ["-L", folder]);
  const look = `(progn (package-initialize) (princ (or (locate-library "${name}.el" t) "")))`;
  const found = execFileSync("emacs", ["--batch", ...places, "--eval", look], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return found === "" ? undefined : found;
}

/** Why a library is not tried. */
export function noLibrary(...names: string[]): string {
  return `Emacs has no ${names.join(", ")} here (TURNWIRE_TEST_ELISP names their folders)`;
}
