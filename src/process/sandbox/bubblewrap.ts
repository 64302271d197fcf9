// A sandbox made by bubblewrap, which needs no privileges. Flatpak runs every program in it.
import type { SandboxPlan } from "./plan.js";

/** One thing that is mounted, and where. */
interface Mount {
  readonly at: string;
  readonly args: readonly string[];
}

/** Folders under `/run` that a system needs; the rest of `/run` belongs to the user's session. */
const neededOfRun = ["/run/current-system", "/run/booted-system"];
/** Host names are looked up with the files here if `/etc/resolv.conf` is a link to them. */
const resolversOfRun = ["/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager"];

/** The kernel's settings. The user root can write them even without privileges. */
const kernelSettings = ["/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi"];

/** Variables that lead to programs of the user's session outside the sandbox. */
export const sessionVariables: readonly string[] = [
  "DBUS_SESSION_BUS_ADDRESS",
  "DBUS_SYSTEM_BUS_ADDRESS",
  "DISPLAY",
  "DOCKER_HOST",
  "GPG_AGENT_INFO",
  "SSH_AGENT_PID",
  "SSH_AUTH_SOCK",
  "TMUX",
  "WAYLAND_DISPLAY",
  "XAUTHORITY",
  "XDG_RUNTIME_DIR",
];

/** The arguments of `bwrap` that come before the program. */
export function bubblewrapArguments(plan: SandboxPlan): string[] {
  // Deeper paths are mounted later, so that nothing covers them.
  const mounts = mountsOf(plan).sort((one, other) => depth(one.at) - depth(other.at));
  return [
    "--die-with-parent",
    "--new-session",
    "--unshare-user-try",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    ...(plan.network === "none" ? ["--unshare-net"] : []),
    // Otherwise root keeps its privileges, and with them it could mount everything anew.
    "--cap-drop",
    "ALL",
    "--ro-bind",
    "/",
    "/",
    "--dev",
    "/dev",
    "--proc",
    "/proc",
    ...kernelSettings.flatMap((path) => ["--ro-bind-try", path, path]),
    ...mounts.flatMap(({ args }) => args),
    // This comes last: a mount below needs its mount point to be made first.
    ...["/run", ...plan.hiddenFolders, ...plan.absent].flatMap((at) => ["--remount-ro", at]),
    ...sessionVariables.flatMap((name) => ["--unsetenv", name]),
    ...["--setenv", "TMPDIR", "/tmp"],
    ...["--chdir", plan.cwd, "--"],
  ];
}

function mountsOf(plan: SandboxPlan): Mount[] {
  const { temporary, writable } = plan;
  const resolvers = plan.network === "allow" ? resolversOfRun : [];
  return [
    ...emptyFolder("/run"),
    ...[...neededOfRun, ...resolvers].map((at) => ({ at, args: ["--ro-bind-try", at, at] })),
    ...(writable.includes("/tmp") ? [] : temporaryFolder(temporary)),
    ...plan.hiddenFolders.flatMap(emptyFolder),
    ...[...writable, ...plan.pinned].map((at) => ({ at, args: ["--bind", at, at] })),
    ...[...plan.readable, ...plan.protected].map((at) => ({ at, args: ["--ro-bind", at, at] })),
    ...plan.absent.flatMap(emptyFolder),
    ...plan.hiddenFiles.map((at) => ({ at, args: ["--ro-bind-try", "/dev/null", at] })),
    ...plan.files.map(({ from, to }) => ({ at: to, args: ["--bind", from, to] })),
  ];
}

function temporaryFolder(kept: string | undefined): Mount[] {
  const args = kept === undefined ? ["--tmpfs", "/tmp"] : ["--bind", kept, "/tmp"];
  return [{ at: "/tmp", args }];
}

function emptyFolder(at: string): Mount[] {
  return [{ at, args: ["--tmpfs", at] }];
}

function depth(path: string): number {
  return path.split("/").filter(Boolean).length;
}
