/** Emacs without a screen, for what is tried with it for real. */
import { execFileSync } from "node:child_process";
import { onWindows } from "./unless.js";

/** Whether Emacs is missing, or older than 28. */
export function hasNoEmacs(): boolean {
  if (onWindows) return true;
  try {
    const version = execFileSync("emacs", ["--version"], { encoding: "utf8" });
    return !(Number(/^GNU Emacs (\d+)/.exec(version)?.[1]) >= 28);
  } catch {
    return true;
  }
}

export const noEmacs = "there is no Emacs 28 or newer here";
