// Makes a stand-in for a repository. In it, git can be asked for the state of the files, and no
// program of the repository runs.
//
// A repository's own configuration can name programs that git runs even for harmless commands:
// `core.fsmonitor`, `filter.*.clean`, `gpg.program`, a transport for objects that are missing. To
// turn each of them off by name is not safe, because new ones may be added to git. So git works in
// another repository: a folder of ours with our configuration, which borrows the objects, index and
// files of the real one. From the real configuration and the user's, it takes only settings that
// are known to run nothing.
import { copyFile, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

/** A repository as git itself describes it. All paths are absolute. */
export interface Repository {
  readonly gitDir: string;
  /** The folder that all working trees of the repository share. */
  readonly commonDir: string;
  /** The root of the working tree. */
  readonly root: string;
  readonly objectFormat: string;
  readonly branch?: string;
  readonly head?: string;
}

/** The settings of a repository on which the state of its files depends. */
export interface RepositorySettings {
  /** Lines of `git config --list --null`: the name, a newline, the value; no newline means true. */
  readonly harmless: readonly string[];
  /** The file with further ignore rules, if one is named. */
  readonly excludesFile?: string;
  /** The file with further attributes, if one is named. */
  readonly attributesFile?: string;
  /** The names of filters that run a program when a file is compared. */
  readonly filters: ReadonlySet<string>;
}

const truth = "true|false|yes|no|on|off|0|1";

/**
 * Settings that change what git reports about a file and that run nothing, with their allowed
 * values.
 */
const harmlessSettings = new RegExp(
  [
    `core\\.(filemode|symlinks|ignorecase|precomposeunicode|trustctime|sparsecheckout|sparsecheckoutcone)(\\n(${truth}))?`,
    `core\\.autocrlf(\\n(${truth}|input))?`,
    "core\\.eol\\n(lf|crlf|native)",
    "core\\.checkstat\\n(default|minimal)",
    `status\\.showuntrackedfiles\\n(${truth}|normal|all)`,
  ]
    .map((setting) => `^${setting}$`)
    .join("|"),
  "i",
);

const filterPrograms = /^filter\.(.*)\.(?:clean|process)\n./;

/** Picks from all settings those on which the state of files depends and that run nothing. */
export function settingsAmong(
  configured: readonly string[],
): Pick<RepositorySettings, "harmless" | "filters"> {
  return {
    harmless: configured.filter((setting) => harmlessSettings.test(setting)),
    filters: new Set(configured.flatMap((setting) => filterPrograms.exec(setting)?.[1] ?? [])),
  };
}

/** Makes the stand-in in an empty folder. Returns the environment in which git sees it. */
export async function borrow(
  repository: Repository,
  settings: RepositorySettings,
  folder: string,
): Promise<Record<string, string>> {
  const { gitDir, commonDir, root, head } = repository;
  await mkdir(join(folder, "refs"));
  await mkdir(join(folder, "info"));
  await writeFile(join(folder, "config"), configuration(repository, settings));
  await writeFile(join(folder, "HEAD"), `${head ?? "ref: refs/heads/none"}\n`);
  await Promise.all([
    lend(join(commonDir, "info", "exclude"), join(folder, "info", "exclude")),
    lend(join(commonDir, "info", "attributes"), join(folder, "info", "attributes")),
    lend(join(gitDir, "info", "sparse-checkout"), join(folder, "info", "sparse-checkout")),
    // This file says where a partly fetched history ends.
    lend(join(commonDir, "shallow"), join(folder, "shallow")),
    lendIndexParts(gitDir, folder),
  ]);
  return {
    GIT_DIR: folder,
    GIT_WORK_TREE: root,
    GIT_INDEX_FILE: join(gitDir, "index"),
    GIT_OBJECT_DIRECTORY: join(commonDir, "objects"),
  };
}

function configuration({ objectFormat, root }: Repository, settings: RepositorySettings): string {
  const isSha1 = objectFormat === "sha1";
  const { excludesFile, attributesFile } = settings;
  const lines = [
    `core.repositoryformatversion\n${isSha1 ? 0 : 1}`,
    "core.bare\nfalse",
    ...settings.harmless,
    ...(excludesFile ? [`core.excludesFile\n${resolve(root, excludesFile)}`] : []),
    ...(attributesFile ? [`core.attributesFile\n${resolve(root, attributesFile)}`] : []),
    ...(isSha1 ? [] : [`extensions.objectFormat\n${objectFormat}`]),
  ];
  return lines
    .map((line) => {
      const [name = "", value = "true"] = line.split("\n");
      const dot = name.indexOf(".");
      return `[${name.slice(0, dot)}]\n\t${name.slice(dot + 1)} = ${quoted(value)}\n`;
    })
    .join("");
}

/** A split index keeps its larger part in further files beside it. */
async function lendIndexParts(gitDir: string, folder: string): Promise<void> {
  const names = await readdir(gitDir);
  const parts = names.filter((name) => /^sharedindex\.[0-9a-f]+$/.test(name));
  await Promise.all(parts.map((name) => lend(join(gitDir, name), join(folder, name))));
}

/**
 * Makes a file of the repository visible in the stand-in. If it is missing, it is missing there
 * too.
 */
async function lend(file: string, shown: string): Promise<void> {
  if (process.platform !== "win32") return symlink(file, shown);
  // On Windows, not every user may make links.
  await copyFile(file, shown).catch(() => undefined);
}

function quoted(value: string): string {
  return `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
}
