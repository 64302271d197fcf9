// Finds links of Markdown pages that lead nowhere: to a file that is missing, to a heading that a
// page lacks, or out of the folder that the pages belong to. Links into the web are not followed.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

const skipped = new Set(["node_modules", ".git", "coverage", "results"]);

/** Every Markdown page below a folder, as paths from it. */
export function markdownPages(root, folder = ".") {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (skipped.has(entry.name) || entry.name.startsWith("dist")) return [];
      if (entry.isDirectory()) return markdownPages(root, path);
      return entry.name.endsWith(".md") ? [path.split(sep).join("/")] : [];
    })
    .sort();
}

/** What is wrong with the links of the pages below `root`, one sentence each. */
export function linkComplaints(root, pages = markdownPages(root)) {
  const anchors = new Map();
  const anchorsOf = (path) => {
    if (!anchors.has(path)) anchors.set(path, headingAnchors(readFileSync(path, "utf8")));
    return anchors.get(path);
  };
  return pages.flatMap((page) =>
    linksOf(readFileSync(join(root, page), "utf8"))
      .map((link) => complaint({ root, page, link, anchorsOf }))
      .filter((found) => found !== undefined),
  );
}

function complaint({ root, page, link, anchorsOf }) {
  // What has a scheme leads into the web.
  if (/^[a-z][a-z+.-]*:/i.test(link)) return undefined;
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? join(root, page) : resolve(root, dirname(page), decodeURI(path));
  const says = (what) => `${page}: (${link}) ${what}`;
  if (relative(root, target).split(sep)[0] === "..") return says("leads out of the folder");
  if (!existsSync(target)) return says("is no file");
  if (anchor === undefined || statSync(target).isDirectory()) return undefined;
  return anchorsOf(target).has(decodeURI(anchor)) ? undefined : says("is no heading");
}

/** Where a page's links and pictures lead, those in code left out. */
export function linksOf(text) {
  const prose = withoutCode(text);
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const definitions = [...prose.matchAll(/^\[[^\]]+\]:\s*<?([^\s>]+)>?/gm)];
  const tags = [...prose.matchAll(/<(?:a|img)\b[^>]*\b(?:href|src)="([^"]+)"/g)];
  return [...inline, ...definitions, ...tags].map(([, link]) => link);
}

/** The anchors that GitHub gives a page's headings, and those that it names itself. */
export function headingAnchors(text) {
  const found = new Set();
  for (const [, heading] of withoutFences(text).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const plain = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/<[^>]+>/g, "");
    const slug = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}\p{Pc}\- ]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let count = 1; found.has(anchor); count++) anchor = `${slug}-${count}`;
    found.add(anchor);
  }
  for (const [, id] of text.matchAll(/<a\b[^>]*\b(?:id|name)="([^"]+)"/g)) found.add(id);
  return found;
}

function withoutFences(text) {
  return text.replace(/^ {0,3}(`{3,}|~{3,})[\s\S]*?^ {0,3}\1[^\n]*$/gm, "");
}

function withoutCode(text) {
  return withoutFences(text).replace(/(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, "");
}
