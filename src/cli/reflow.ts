/** What a terminal does with its lines when its width changes. */

/**
 * Whether it lays them out anew, so that a line that is too wide then takes several rows. Most do; the
 * others cut it. tmux does it itself, whatever terminal it is in.
 */
export function reflows(env: Readonly<Record<string, string | undefined>>): boolean {
  if (env.TMUX) return true;
  return !env.XTERM_VERSION && !env.STY && env.TERM !== "linux";
}
