// The folder in which a process was started. It may be removed, or closed to the process, while the
// process lives. So it is read only when somebody gives a path that is relative to it.
import { isAbsolute, resolve } from "node:path";
import { systemErrorCode } from "./systemError.js";

/** Makes a given path absolute. Throws {@link NoStartFolder}. */
export type ResolvePath = (path: string) => string;

/** A relative path was given, and there is no folder that it could begin in. */
export class NoStartFolder extends Error {
  constructor(path: string, reason: string) {
    super(
      `${reason}, so the relative path ${JSON.stringify(path)} leads nowhere; give an absolute path`,
    );
    this.name = "NoStartFolder";
  }
}

/** Takes no relative path: those of a daemon's clients begin in folders that it does not know. */
export const absoluteOnly: ResolvePath = (path) => {
  if (isAbsolute(path)) return resolve(path);
  throw new NoStartFolder(path, "the folder in which the client was started is not known here");
};

/** Resolves paths against the folder that `cwd` returns. It is called only for relative paths. */
export function fromStartFolder(cwd: () => string): ResolvePath {
  return (path) => {
    if (isAbsolute(path)) return resolve(path);
    try {
      return resolve(cwd(), path);
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === undefined) throw error;
      const gone = "the folder in which this was started is gone or may not be entered";
      throw new NoStartFolder(path, `${gone} (${code})`);
    }
  };
}
