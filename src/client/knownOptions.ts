/**
 * Refuses options that a function does not know. Otherwise a misspelt option would have no effect.
 *
 * @param where the name of the function, as a caller writes it.
 * @throws TypeError that names each unknown option.
 */
export function refuseUnknown(
  where: string,
  options: object,
  isKnown: (name: string) => boolean,
): void {
  const unknown = Object.keys(options).filter((name) => !isKnown(name));
  if (unknown.length === 0) return;
  const names = unknown.map((name) => `\`${name}\``).join(", ");
  throw new TypeError(
    `\`${where}\` has no option ${names}. Look at how it is spelt, or leave it out.`,
  );
}
