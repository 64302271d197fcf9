/**
 * Text of unknown origin between two tags, as a model is shown it. A closing tag of the same name
 * inside the text is written `<\/name>`, so that the text cannot end its own section.
 *
 * @param attributes what stands behind the tag's name, as it is, but for closing tags.
 */
export function taggedText(name: string, text: string, attributes = ""): string {
  const closing = new RegExp(`<\\s*/(?=\\s*${name}\\b)`, "gi");
  const inside = (piece: string) => piece.replace(closing, "<\\/");
  const head = attributes === "" ? name : `${name} ${inside(attributes)}`;
  return `<${head}>\n${inside(text)}\n</${name}>`;
}
