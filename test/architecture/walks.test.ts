// The pages that lead a reader through the source name files that exist, and count them rightly.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readSource } from "./sourceFiles.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(`${root}/${path}`, "utf8");
const files = new Map(readSource().map((file) => [file.path, file]));

interface Walk {
  readonly title: string;
  readonly count: number;
  readonly paths: readonly string[];
}

function walksOf(page: string): Walk[] {
  return page
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [, title = "", count = ""] = /^(.*): (\d+) files$/m.exec(section) ?? [];
      const paths = [...section.matchAll(/^\d+\. `([^`]+)`/gm)].map((match) => match[1] ?? "");
      return { title, count: Number(count), paths };
    });
}

function importsOf(path: string): readonly string[] {
  return files.get(path)?.imports.map(({ target }) => target) ?? [];
}

/** Whether one of two files imports the other, itself or through one file that names it. */
function touches(one: string, other: string): boolean {
  const reaches = (from: string, to: string) =>
    importsOf(from).some((path) => path === to || importsOf(path).includes(to));
  return one !== other && (reaches(one, other) || reaches(other, one));
}

describe("docs/architecture.md", () => {
  const walks = walksOf(read("docs/architecture.md"));

  it("walks four ways", () => {
    expect(walks.map(({ title }) => title.replace(/,.*/, ""))).toEqual([
      "One prompt",
      "One cancel",
      "One redelivery",
      "One question",
    ]);
  });

  it.each(walks)("counts the files of: $title", ({ count, paths }) => {
    expect(paths).toHaveLength(count);
    expect(new Set(paths).size).toBe(count);
  });

  it.each(walks)("names files that exist and hang together: $title", ({ paths }) => {
    expect(paths.filter((path) => !files.has(path))).toEqual([]);
    const alone = paths.filter((path) => !paths.some((other) => touches(path, other)));
    expect(alone).toEqual([]);
  });

  it("tells of every room", () => {
    const page = read("docs/architecture.md");
    const rooms = new Set([...files.keys()].map((path) => path.split("/")[0] ?? ""));
    const missing = [...rooms].filter(
      (room) => !room.endsWith(".cjs") && !page.includes(`\`${room}\``),
    );
    expect(missing).toEqual([]);
  });
});

describe.each(["CONTRIBUTING.md", "docs/architecture.md", "docs/glossary.md"])("%s", (page) => {
  it("names source files that exist", () => {
    const named = [...read(page).matchAll(/`((?:src\/)?[\w/]+\/\w+\.ts)`/g)]
      .map((match) => (match[1] ?? "").replace(/^(?!src\/|test\/|scripts\/)/, "src/"))
      .filter((path) => !path.includes("NAME"));
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((path) => !existsSync(`${root}/${path}`))).toEqual([]);
  });
});
