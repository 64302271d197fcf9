// A sandbox by bubblewrap, which needs no privileges and is what Flatpak runs every program in.
import type { SandboxPlan } from "./plan.js";

/** One thing that is mounted, and where. */
interface Mount {
  readonly at: string;
  readonly args: readonly string[];
}

/** What of the session would be left under `/run`, and what a system cannot do without. */
const neededOfRun = ["/run/current-system", "/run/booted-system"];
/** Names are looked up by what lies here, where `/etc/resolv.conf` is a link to it. */
const resolversOfRun = ["/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager"];

/** The kernel's settings, which the user root can write without any privilege. */
const kernelSettings = ["/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi"];

/** Variables that lead to what the session runs outside. */
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
  // What lies deeper is mounted later, so that nothing covers it.
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
    // Root keeps them otherwise, and with them the power to mount everything anew.
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
    // Last, since what is mounted below needs its place to be made first.
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
