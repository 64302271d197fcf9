/**
 * Keeps child processes away from our stdin and stdout. A child that would inherit our stdout gets
 * our stderr instead. A child that would inherit our stdin gets none, so that it cannot take the
 * client's bytes.
 */
import childProcess, { ChildProcess } from "node:child_process";
import { syncBuiltinESMExports } from "node:module";

/** Redirects until the returned function is called. */
export function redirectChildren(descriptors: { from: number; to: number }): () => void {
  const redirect = (options: unknown): unknown => redirected(options, descriptors);
  const undo = [
    // All asynchronous ways to start a child call this method.
    replaceMethod(ChildProcess.prototype, "spawn", redirect),
    replaceMethod(childProcess, "spawnSync", redirect),
    replaceMethod(childProcess, "execFileSync", redirect),
    replaceMethod(childProcess, "execSync", redirect),
  ];
  syncBuiltinESMExports();
  return () => {
    for (const step of undo) step();
    syncBuiltinESMExports();
  };
}

function replaceMethod(
  owner: object,
  name: string,
  redirect: (options: unknown) => unknown,
): () => void {
  const original: unknown = Reflect.get(owner, name);
  if (typeof original !== "function") return () => {};
  const replaced = function (this: unknown, ...args: unknown[]): unknown {
    return Reflect.apply(original, this, args.map(redirect));
  };
  Reflect.set(owner, name, replaced);
  return () => void Reflect.set(owner, name, original);
}

/**
 * A copy of a child's options with another `stdio`. Arguments that are no options are returned
 * unchanged.
 */
function redirected(options: unknown, descriptors: { from: number; to: number }): unknown {
  if (typeof options !== "object" || options === null || !("stdio" in options)) return options;
  return { ...options, stdio: redirectedStdio(options.stdio, descriptors) };
}

const stdinDescriptor = 0;

function redirectedStdio(stdio: unknown, { from, to }: { from: number; to: number }): unknown {
  const places =
    stdio === "inherit" ? [stdinDescriptor, from, to] : Array.isArray(stdio) ? stdio : undefined;
  return (
    places?.map((place: unknown, index) => {
      const inherited = place === "inherit" ? index : descriptorOf(place);
      if (inherited === stdinDescriptor) return "ignore";
      return inherited === from ? to : place;
    }) ?? stdio
  );
}

/**
 * The descriptor that an entry of `stdio` names, as a number or as a stream such as
 * `process.stdout`.
 */
function descriptorOf(place: unknown): unknown {
  return typeof place === "object" && place !== null ? Reflect.get(place, "fd") : place;
}
