import { describe, expect, test } from "vitest";
import { bubblewrapArguments } from "../../src/process/sandbox/bubblewrap.js";
import type { SandboxPlan } from "../../src/process/sandbox/plan.js";
import { seatbeltProfile } from "../../src/process/sandbox/seatbelt.js";
import { foldersBetween } from "../../src/process/sandbox/surroundings.js";

const plan: SandboxPlan = {
  network: "none",
  cwd: "/home/me/project",
  writable: ["/home/me/project"],
  readable: [],
  pinned: ["/home/me/project/.git"],
  protected: ["/home/me/project/.git/config", "/home/me/project/.git/hooks"],
  absent: ["/home/me/project/turnwire.json"],
  hiddenFolders: ["/home/me"],
  hiddenFiles: ["/srv/agent.sock"],
  temporary: "/data/outputs/tmp",
  files: [{ from: "/data/outputs/1.cwd", to: "/run/turnwire-folder" }],
};

/** Where an option with these arguments stands. */
function at(args: readonly string[], ...wanted: readonly string[]): number {
  return args.findIndex((_, index) => wanted.every((one, offset) => args[index + offset] === one));
}

describe("the arguments of bubblewrap", () => {
  const args = bubblewrapArguments(plan);

  test("give spaces of their own, no capabilities, and the disk to read alone", () => {
    for (const flag of ["--die-with-parent", "--new-session", "--unshare-pid", "--unshare-net"]) {
      expect(args).toContain(flag);
    }
    expect(at(args, "--cap-drop", "ALL")).toBeGreaterThan(-1);
    expect(at(args, "--ro-bind", "/", "/")).toBeLessThan(at(args, "--proc", "/proc"));
    expect(at(args, "--proc", "/proc")).toBeLessThan(at(args, "--ro-bind-try", "/proc/sys"));
    expect(args.slice(-3)).toEqual(["--chdir", "/home/me/project", "--"]);
  });

  test("mount what lies deeper later, and close it all at the end", () => {
    const order = [
      at(args, "--tmpfs", "/home/me"),
      at(args, "--bind", "/home/me/project"),
      at(args, "--bind", "/home/me/project/.git"),
      at(args, "--ro-bind", "/home/me/project/.git/hooks"),
      at(args, "--remount-ro", "/home/me"),
    ];
    expect(order).not.toContain(-1);
    expect(order).toEqual([...order].sort((one, other) => one - other));
    expect(at(args, "--tmpfs", "/home/me/project/turnwire.json")).toBeGreaterThan(order[1] ?? 0);
    expect(at(args, "--bind", "/data/outputs/tmp", "/tmp")).toBeGreaterThan(-1);
    expect(at(args, "--ro-bind-try", "/dev/null", "/srv/agent.sock")).toBeGreaterThan(-1);
  });

  test("leave the network where it is allowed, and with it what looks names up", () => {
    const open = bubblewrapArguments({ ...plan, network: "allow" });
    expect(open).not.toContain("--unshare-net");
    expect(open).toContain("/run/systemd/resolve");
    expect(args).not.toContain("/run/systemd/resolve");
  });

  test("take no temporary folder of their own where the workspace is /tmp", () => {
    const own = bubblewrapArguments({ ...plan, writable: ["/tmp"], cwd: "/tmp" });
    expect(at(own, "--bind", "/tmp", "/tmp")).toBeGreaterThan(-1);
    expect(own).not.toContain("/data/outputs/tmp");
  });
});

test("a profile of Seatbelt quotes every path, and its last rules are the narrow ones", () => {
  const profile = seatbeltProfile({ ...plan, writable: ['/a "quoted" \\ path'] });
  expect(profile).toContain('(subpath "/a \\"quoted\\" \\\\ path")');
  expect(profile.indexOf("(deny file-write*")).toBeGreaterThan(
    profile.indexOf("(allow file-write*"),
  );
  expect(profile.indexOf("(deny file-read* file-write*")).toBeGreaterThan(
    profile.indexOf("(deny file-write*"),
  );
  expect(profile).toContain("(deny network*)");
});

test("the folders between two are those on the way, without either", () => {
  expect(foldersBetween("/a", "/a/b/c/d")).toEqual(["/a/b", "/a/b/c"]);
  expect(foldersBetween("/a", "/a/b")).toEqual([]);
});
