/**
 * Whether a text matches a pattern. In it, `*` stands for any text, also an empty one or one with
 * spaces and slashes; every other character stands for itself. For every pattern, the time is at
 * most in proportion to the product of both lengths.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  // The position of the last `*`, and how much of the text it takes so far.
  let star = -1;
  let taken = 0;
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = p++;
      taken = t;
      if (p === pattern.length) return true;
    } else if (p < pattern.length && pattern[p] === text[t]) {
      p++;
      t++;
    } else if (star !== -1) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
