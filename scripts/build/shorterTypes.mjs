// Makes the text of rolled declarations shorter, and leaves every type what it is.

/** What has a schema's type in many lines, or is the declaration of a request: the name, and the type. */
const declared =
  /^declare const (\w+): (?:LazySchema<(z\..*(?:\n[ }].*)+)>|(MethodDeclaration<.*(?:\n[ }].*)+));$/gm;

/**
 * Names what the compiler writes out: where a type holds the whole type of a schema that is declared
 * beside it, `ReturnType<typeof Session>` stands instead. A dozen methods answer a session, and each
 * had a copy of it.
 */
export function withNamedSchemas(text) {
  const names = [...text.matchAll(declared)].map(([, name]) => name);
  return names.reduce(withOneNamed, text);
}

function withOneNamed(text, name) {
  const found = [...text.matchAll(declared)].find((match) => match[1] === name);
  // Where two schemas are equal, the first one stands for the second by now.
  if (found === undefined) return text;
  const [whole, , schema, request] = found;
  const short = request === undefined ? `ReturnType<typeof ${name}>` : `typeof ${name}`;
  // Further in, each line has more spaces in front.
  const lines = escaped(schema ?? request).replaceAll("\n", "\n *");
  const copies = new RegExp(`(?<![\\w.$])${lines}`, "g");
  const named = (part) => part.replaceAll(copies, () => short);
  const end = found.index + whole.length;
  return `${named(text.slice(0, found.index))}${whole}${named(text.slice(end))}`;
}

/** Imports once what is both used and exported again: rolled, it has a second name, `Result$1`. */
export function withOneImport(text) {
  const twice = [...text.matchAll(/\b(\w+), \1 as (\1\$\d+)(?=,? )/g)];
  return twice.reduce((rest, [both, name, second]) => {
    const uses = new RegExp(`\\b${escaped(second)}(?!\\w)`, "g");
    return rest.replace(both, name).replaceAll(uses, name);
  }, text);
}

function escaped(text) {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
