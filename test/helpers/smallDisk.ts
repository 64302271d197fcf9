// Disks of 16 MB that a test can fill.
import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { getuid, platform } from "node:process";
import { makeFolder } from "./serverProcess.js";

/** Whether such a disk can be made here; only root on Linux can. */
export const canMount = platform === "linux" && getuid?.() === 0 && tryMount();

function tryMount(): boolean {
  try {
    execFileSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], {
      stdio: "ignore",
    });
    return true;
  } catch {
    return false;
  }
}

/** Makes one in the place of a folder, which is a new one unless told; returns the folder. */
export function smallDisk(folder = makeFolder()): string {
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", folder]);
  return folder;
}

/** Takes it away again, also while something on it is open. */
export function removeDisk(folder: string): void {
  execFileSync("umount", ["-l", folder]);
}

/** Writes until the disk takes no more; returns how to free it. */
export function fill(folder: string): () => void {
  const ballast = join(folder, "ballast");
  const file = openSync(ballast, "w");
  for (let size = 65_536; size >= 512; size /= 2) {
    try {
      while (writeSync(file, Buffer.alloc(size)) === size);
    } catch {
      // It is full for pieces of this size.
    }
  }
  closeSync(file);
  return () => rmSync(ballast);
}
