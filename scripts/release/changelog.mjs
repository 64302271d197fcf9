// What a release does to the changelog, and what of it describes a release.
const unreleased = "## Unreleased";

/**
 * The changelog with what is unreleased under the heading of a version. Throws where nothing is
 * unreleased, or where that version is there already.
 */
export function released(changelog, version) {
  if (notesOf(changelog, version) !== undefined) {
    throw new Error(`CHANGELOG.md has a part for ${version} already`);
  }
  if (!sectionUnder(changelog, unreleased)) {
    throw new Error(`CHANGELOG.md has nothing under "${unreleased}"`);
  }
  return changelog.replace(new RegExp(`^${unreleased}$`, "m"), `## ${version}`);
}

/** The part of a version; undefined where there is none. */
export function notesOf(changelog, version) {
  return sectionUnder(changelog, `## ${version}`);
}

function sectionUnder(changelog, heading) {
  const lines = changelog.split("\n");
  const start = lines.indexOf(heading);
  if (start === -1) return undefined;
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => line.startsWith("## "));
  return rest
    .slice(0, end === -1 ? undefined : end)
    .join("\n")
    .trim();
}
