// Whether one path lies in another. This is the only such test: a wrong one would let somebody out
// of a folder.
import { isAbsolute, relative, sep } from "node:path";

/** Whether `path` is `folder` or lies in it; both absolute and real. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || !(way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way));
}

/** A path as a client sees it, with `/`: relative where it lies in `folder`; both absolute. */
export function shownWithin(folder: string, path: string): string {
  if (!isAbsolute(path) || !isWithin(folder, path)) return toSlashes(path);
  return toSlashes(relative(folder, path));
}

/** A path with `/` between its parts, on every platform. */
export function toSlashes(path: string): string {
  return sep === "/" ? path : path.replaceAll(sep, "/");
}
