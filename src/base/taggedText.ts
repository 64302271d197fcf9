/**
 * Puts text of unknown origin between two tags, for a model. A closing tag of the same name inside
 * the text is written `<\/name>`, so that the text cannot end its own section.
 *
 * @param attributes the text after the tag's name. Only closing tags in it are changed.
 */
export function taggedText(name: string, text: string, attributes = ""): string {
  const closing = new RegExp(`<\\s*/(?=\\s*${name}\\b)`, "gi");
  const inside = (piece: string) => piece.replace(closing, "<\\/");
  const head = attributes === "" ? name : `${name} ${inside(attributes)}`;
  return `<${head}>\n${inside(text)}\n</${name}>`;
}
