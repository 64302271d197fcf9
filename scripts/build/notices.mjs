// The licences of what is bundled, as THIRD-PARTY-NOTICES gives them.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { libraryBuilds, pageBuild, serverBuild, threadBuild } from "./entries.mjs";

const heading = `Third-party notices

The files in dist/ contain, in whole or in part, the packages below. This file is generated from the
build: \`npm run generate\`.
`;
/** Packages whose published files contain another package, which has a licence of its own. */
const carried = [
  {
    by: "unpdf",
    versions: { file: "dist/pdfjs.mjs", pattern: /"(\d+\.\d+\.\d+)"/ },
    name: "pdfjs-dist",
    license: "Apache-2.0",
    author: "the Mozilla Foundation",
    source: "https://github.com/mozilla/pdf.js",
  },
];
const rule = "-".repeat(80);

/** The text of THIRD-PARTY-NOTICES for what a build of the project below `root` contains. */
export async function thirdPartyNotices(root) {
  const builds = [
    serverBuild({ root, outdir: "dist" }),
    threadBuild({ root, outdir: "dist" }),
    pageBuild({ root, outdir: "dist" }),
    ...libraryBuilds({ root, outdir: "dist" }),
  ];
  const metafiles = await Promise.all(
    builds.map(async (options) => (await build({ ...options, write: false })).metafile),
  );
  const folders = new Set(metafiles.flatMap((metafile) => packageFolders(root, metafile)));
  const packages = [...folders]
    .flatMap((folder) => [describe(folder), ...carriedBy(folder)])
    .sort(byNameAndVersion);
  return [heading, ...notices(packages)].join(`\n${rule}\n\n`);
}

/** The folders of the packages of which something is in the files that a build writes. */
function packageFolders(root, { outputs }) {
  return Object.values(outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) =>
      resolve(root, path.replace(/^(own-copy|late-json-schema):/, "")).replaceAll("\\", "/"),
    )
    .map((path) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0])
    .filter((folder) => folder !== undefined);
}

function describe(folder) {
  const { name, version, license, author, repository, homepage } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  );
  const url = typeof repository === "string" ? repository : (repository?.url ?? homepage);
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim());
  return {
    name,
    version,
    license,
    author: typeof author === "string" ? author : (author?.name ?? `the authors of ${name}`),
    source: url?.replace(/^git\+/, "").replace(/\.git$/, ""),
    text: texts.length === 0 ? undefined : texts.join("\n\n"),
  };
}

/** What a package contains of others: their names, and the version that its files name. */
function carriedBy(folder) {
  return carried
    .filter(({ by }) => folder.endsWith(`/node_modules/${by}`))
    .map(({ versions: { file, pattern }, ...one }) => {
      const version = pattern.exec(readFileSync(join(folder, file), "utf8"))?.[1];
      if (version === undefined) throw new Error(`${one.by} names no version of ${one.name}`);
      return { ...one, version };
    });
}

function byNameAndVersion(a, b) {
  const [left, right] = [a, b].map(({ name, version }) => `${name} ${version}`);
  return left < right ? -1 : Number(left > right);
}

/** Terms that name nobody, and are in the licences of many packages. */
const sharedTerms = [
  {
    name: "The terms of the Apache License, Version 2.0",
    pattern: /^ *Apache License\n[\s\S]*END OF TERMS AND CONDITIONS/m,
  },
  {
    name: "The permission of the MIT License",
    pattern: /Permission is hereby granted, free of charge[\s\S]*?DEALINGS\s+IN\s+THE\s+SOFTWARE\./,
  },
];

/**
 * Packages whose licences have the same text, word for word, stand above it together. Terms that many of
 * them have are given once, at the end.
 */
function notices(packages) {
  const shared = sharedTerms.map(({ name, pattern }) => ({
    name,
    pattern,
    terms: firstTerms(packages, pattern),
  }));
  const byText = new Map();
  for (const one of packages) {
    const text = shared.reduce(
      (before, { name, pattern, terms }) =>
        before.replace(pattern, (found) =>
          wordsOf(found) === wordsOf(terms) ? `[${name}: at the end of this file.]` : found,
        ),
      licenceText(one, packages),
    );
    byText.set(text, [...(byText.get(text) ?? []), one]);
  }
  const all = [...byText].map(([text, same]) => [...same.map(head), "", text, ""].join("\n"));
  return [...all, ...shared.map(({ name, terms }) => `${name}\n\n${terms}\n`)];
}

/** A text without its blanks, which packages set as they like. */
function wordsOf(text) {
  return text.split(/\s+/).join(" ").trim();
}

function head({ name, version, license, source }) {
  return [
    `${name} ${version}`,
    `Licence: ${license}`,
    ...(source ? [`Source: ${source}`] : []),
  ].join("\n");
}

/** A package without a text of its own has that of another one of its repository, or the usual one. */
function licenceText(one, packages) {
  if (one.text !== undefined) return one.text;
  const sibling = packages.find(
    ({ text, license, source }) =>
      text !== undefined && license === one.license && source === one.source,
  );
  if (sibling !== undefined) return sibling.text;
  if (one.license === "MIT") return mit(one.author);
  if (one.license === "Apache-2.0") return apache(one.author, packages);
  throw new Error(`${one.name} brings no text of its licence (${one.license}): add one here`);
}

/** Those that one package brings are those of all. */
function firstTerms(packages, pattern) {
  const terms = packages
    .map(({ text }) => pattern.exec(text ?? "")?.[0])
    .find((found) => found !== undefined);
  if (terms === undefined) throw new Error(`no package brings what fits ${pattern}: add it here`);
  return terms;
}

function apache(holder, packages) {
  return `Copyright (c) ${holder}\n\n${firstTerms(packages, sharedTerms[0].pattern)}`;
}

function mit(holder) {
  return `Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;
}
