// Patterns over paths. A deny pattern covers as much as it can mean, an allow pattern only what it
// says.
import { join } from "node:path";
import { compileGlob, type Glob, hasWildcard, maxGlobLength } from "../base/glob.js";
import { isWithin, toSlashes } from "../base/insideFolder.js";
import { leadsTo } from "../base/leadsTo.js";
import type { HidesPath, RulePath } from "./types.js";

/** The folders that patterns are relative to. All are absolute, and all but the home are real. */
export interface RuleFolders {
  /** The folder that `~/` means; the path to it may contain a symbolic link. */
  readonly home?: string | undefined;
  /** The folder of patterns that begin neither at the root nor at home. */
  readonly workspacePath?: string | undefined;
}

/**
 * Whether an allow pattern covers a path. A pattern that begins at the root or at home is compared
 * with the real path. Every other pattern is compared with the path in the workspace, so `**` does
 * not mean the whole disk.
 */
export function allowsPath(pattern: string, path: RulePath, folders: RuleFolders): boolean {
  if (pattern.length > maxGlobLength) return false;
  return formsOf(pattern, homesOf(folders)).some((form) => {
    const isRooted = isAnchored(form);
    const covers = compileGlob(form);
    return pathsOf(path).some((one) => isAnchored(one) === isRooted && covers(one));
  });
}

/**
 * Whether a deny pattern covers a path. A pattern of stars covers every path on the disk. A path
 * without wildcards covers everything in it. A link in the pattern covers what it leads to. A
 * pattern that is too long to be matched covers everything.
 */
export function deniesPath(pattern: string, path: RulePath, folders: RuleFolders): boolean {
  return compileDeny(pattern, folders)(path);
}

/** Like {@link deniesPath}, for many paths: the links in the pattern are resolved only once. */
export function compileDeny(pattern: string, folders: RuleFolders): HidesPath {
  if (/^\**$/.test(pattern) || pattern.length > maxGlobLength) return () => true;
  const written = formsOf(pattern, homesOf(folders));
  const forms = [...written, ...written.flatMap((form) => throughLinks(form, folders))];
  const covers = forms.map(coverOf);
  return (path) => {
    const paths = pathsOf(path);
    return covers.some((cover) => paths.some(cover));
  };
}

/** The paths that a pattern stands for, without the short forms `~/`, `./` and a `/` at its end. */
export function formsOf(pattern: string, homes: readonly string[]): string[] {
  const glob = pattern.endsWith("/") ? `${pattern.replace(/\/+$/, "")}/**` : pattern;
  const rooted = glob.startsWith("~/")
    ? homes.map((home) => toSlashes(join(home, glob.slice(2))))
    : [glob];
  return rooted.map((form) => form.replace(/^(?:\.\/)+/, ""));
}

/** The home as it is named, and its real path: rules are compared with real paths. */
export function homesOf({ home }: RuleFolders): string[] {
  return home === undefined ? [] : [...new Set([home, leadsTo(home) ?? home])];
}

/** Whether a pattern or a path begins at the root or at a drive. */
function isAnchored(path: string): boolean {
  return /^(?:\/|[A-Za-z]:)/.test(path);
}

function pathsOf({ shown, real }: RulePath): string[] {
  return real === undefined || real === shown ? [shown] : [shown, real];
}

function coverOf(form: string): Glob {
  if (hasWildcard(form)) return compileGlob(form);
  return (path) => path === form || path.startsWith(`${form}/`);
}

/** A pattern whose beginning contains symbolic links, with those links resolved. */
function throughLinks(form: string, { workspacePath }: RuleFolders): string[] {
  const isRooted = isAnchored(form);
  if (!isRooted && workspacePath === undefined) return [];
  const parts = form.split("/");
  const firstWild = parts.findIndex(hasWildcard);
  const plain = firstWild === -1 ? parts : parts.slice(0, firstWild);
  const beginning = isRooted ? plain.join("/") || "/" : join(workspacePath ?? "", ...plain);
  const real = leadsTo(beginning);
  if (real === undefined) return [];
  const rest = firstWild === -1 ? [] : parts.slice(firstWild);
  const absolute = [toSlashes(real).replace(/\/$/, ""), ...rest].join("/");
  const inside =
    workspacePath !== undefined && isWithin(workspacePath, real)
      ? [absolute.slice(toSlashes(workspacePath).length + 1)]
      : [];
  return [absolute, ...inside].filter((one) => one !== "" && one !== form);
}
