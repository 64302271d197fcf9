import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { headingAnchors, linkComplaints, linksOf } from "../../scripts/check/markdownLinks.mjs";

describe("the links of a page", () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "turnwire-links-"));
    mkdirSync(join(root, "docs"));
    writeFileSync(join(root, "other.md"), "# A heading: `code`, and more\n\n# Twice\n\n# Twice\n");
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it.each([
    ["[a](../other.md)", []],
    ["[a](../other.md#a-heading-code-and-more)", []],
    ["[a](../other.md#twice-1)", []],
    ["[a](https://example.test/nowhere)", []],
    ["`[a](gone.md)` and\n```\n[b](gone.md)\n```\n", []],
    ["[a](gone.md)", ["docs/page.md: (gone.md) is no file"]],
    ["![a](gone.svg)", ["docs/page.md: (gone.svg) is no file"]],
    ["[a][b]\n\n[b]: gone.md", ["docs/page.md: (gone.md) is no file"]],
    ['<a href="gone.md">a</a>', ["docs/page.md: (gone.md) is no file"]],
    ["[a](#nowhere)", ["docs/page.md: (#nowhere) is no heading"]],
    ["[a](../other.md#twice-2)", ["docs/page.md: (../other.md#twice-2) is no heading"]],
    ["[a](../../other.md)", ["docs/page.md: (../../other.md) leads out of the folder"]],
  ])("%s: %s", (text, complaints) => {
    writeFileSync(join(root, "docs/page.md"), text);
    expect(linkComplaints(root, ["docs/page.md"])).toEqual(complaints);
  });

  it("may have a title or angle brackets", () => {
    expect(linksOf('[a](b.md "c") [d](<e.md>)')).toEqual(["b.md", "e.md"]);
  });

  it("lead to anchors that a page names itself", () => {
    expect([...headingAnchors('# One\n\n<a id="two"></a>')]).toEqual(["one", "two"]);
  });
});

it("every link of the project's pages leads somewhere", () => {
  expect(linkComplaints(fileURLToPath(new URL("../..", import.meta.url)))).toEqual([]);
});
