import { describe, expect, it } from "vitest";
import { notesOf, released } from "../../scripts/release/changelog.mjs";

const before = "# Changelog\n\n## Unreleased\n\n- New.\n\n## 0.1.0\n\nThe first.\n";

describe("a release", () => {
  it("gives what is unreleased the version's heading, and leaves the rest", () => {
    const after = released(before, "0.2.0");
    expect(after).toBe("# Changelog\n\n## 0.2.0\n\n- New.\n\n## 0.1.0\n\nThe first.\n");
    expect(notesOf(after, "0.2.0")).toBe("- New.");
    expect(notesOf(after, "0.1.0")).toBe("The first.");
  });

  it.each([
    ["nothing is unreleased", "# Changelog\n\n## 0.1.0\n\nThe first.\n", "0.2.0"],
    ["what is unreleased is empty", "## Unreleased\n\n## 0.1.0\n\nThe first.\n", "0.2.0"],
    ["the version is there already", before, "0.1.0"],
  ])("is refused where %s", (_what, changelog, version) => {
    expect(() => released(changelog, version)).toThrow("CHANGELOG.md has");
  });
});
