// A sandbox made by Seatbelt, `sandbox-exec` of macOS. It is written from Apple's profile language.
// This project's tests have not run it on a Mac.
import type { SandboxPlan } from "./plan.js";

/** The arguments of `sandbox-exec` that come before the program. */
export function seatbeltArguments(plan: SandboxPlan): string[] {
  return ["-p", seatbeltProfile(plan)];
}

/** Makes a profile. If several rules match, the last one counts. */
export function seatbeltProfile(plan: SandboxPlan): string {
  const given = plan.files.map(({ to }) => literal(to));
  if (plan.temporary !== undefined) given.push(subpath(plan.temporary));
  const locked = [...plan.protected, ...plan.absent];
  const hidden = [...plan.hiddenFolders.map(subpath), ...plan.hiddenFiles.map(literal)];
  return [
    "(version 1)",
    "(deny default)",
    '(import "system.sb")',
    "(allow process-exec process-fork sysctl-read)",
    "(allow signal process-info* (target same-sandbox))",
    "(allow file-read*)",
    rule("allow file-write*", [
      literal("/dev/null"),
      literal("/dev/tty"),
      ...plan.writable.map(subpath),
    ]),
    // A pinned folder can be written in, but it cannot be renamed, removed or replaced.
    rule("deny file-write*", [...plan.pinned.map(literal), ...locked.map(subpath)]),
    rule("deny file-read* file-write*", hidden),
    rule("allow file-read*", plan.readable.map(subpath)),
    rule("allow file-read* file-write*", given),
    // Sockets of the user's session, by path; network sockets only if the network is allowed.
    plan.network === "allow"
      ? '(allow network-outbound (remote ip)) (allow network-inbound network-bind (local ip)) (allow system-socket) (allow mach-lookup (global-name "com.apple.dnssd.service"))'
      : "(deny network*)",
  ]
    .filter((line) => line !== "")
    .join("\n");
}

function rule(verdict: string, filters: readonly string[]): string {
  return filters.length === 0 ? "" : `(${verdict} ${filters.join(" ")})`;
}

function subpath(path: string): string {
  return `(subpath ${quoted(path)})`;
}

function literal(path: string): string {
  return `(literal ${quoted(path)})`;
}

function quoted(path: string): string {
  return `"${path.replaceAll(/["\\]/g, "\\$&")}"`;
}
