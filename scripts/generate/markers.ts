// Regions of a Markdown file that are generated: what stands between
// `<!-- generated: NAME -->` and `<!-- /generated -->` is replaced, the rest is left alone.

const region = /<!-- generated: (.+?) -->\n[\s\S]*?<!-- \/generated -->/g;

/**
 * `text` with every generated region made new by `generate`, which gets the region's name.
 * Throws where `text` has no region at all, which means that a marker was lost.
 */
export function fillRegions(text: string, generate: (name: string) => string): string {
  if (text.search(region) === -1) throw new Error("no generated region is left in this file");
  return text.replace(
    region,
    (_, name: string) =>
      `<!-- generated: ${name} -->\n\n${generate(name).trim()}\n\n<!-- /generated -->`,
  );
}

/** `text` with what stands between the first `begin` and the next `end` replaced. */
export function replaceBetween(
  text: string,
  [begin, end]: readonly [string, string],
  replacement: string,
): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from === -1 || to === -1) throw new Error(`${begin.trim()} or ${end.trim()} is missing`);
  return text.slice(0, from + begin.length) + replacement + text.slice(to);
}
