import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";

const timeMs = 500;
const maxLength = 100_000;

/**
 * What changed in a file as a unified diff; undefined when nothing did, or when the diff would take
 * too long or be too long to be of use.
 */
export function unifiedDiff(
  path: string,
  before: string | undefined,
  after: string,
): string | undefined {
  if (before === after) return undefined;
  // Whatever one has more than the other is in the diff.
  if (Math.abs((before?.length ?? 0) - after.length) > maxLength) return undefined;
  const oldName = before === undefined ? "/dev/null" : `a/${path}`;
  const patch = createTwoFilesPatch(
    oldName,
    `b/${path}`,
    before ?? "",
    after,
    undefined,
    undefined,
    {
      context: 3,
      timeout: timeMs,
      headerOptions: FILE_HEADERS_ONLY,
    },
  );
  return patch !== undefined && patch.length <= maxLength ? patch : undefined;
}
