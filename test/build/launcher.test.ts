import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { testNode } from "../helpers/testNode.js";

it("the launcher of a clone that is not built says what to do, on stderr alone", () => {
  const clone = mkdtempSync(join(tmpdir(), "turnwire-clone-"));
  try {
    cpSync(fileURLToPath(new URL("../../bin", import.meta.url)), join(clone, "bin"), {
      recursive: true,
    });
    const launcher = join(clone, "bin/turnwire.js");
    const { status, stdout, stderr } = spawnSync(testNode, [launcher, "serve"], {
      encoding: "utf8",
    });
    expect(stderr).toContain("turnwire is not built");
    expect(stderr).toContain("npm ci");
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(stdout).toBe("");
    expect(status).toBe(2);
  } finally {
    rmSync(clone, { recursive: true, force: true });
  }
});
