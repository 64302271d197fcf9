// Shows a notebook (`.ipynb`) as text: its cells and their outputs, instead of its JSON.

/** A larger notebook is shown as its JSON, because parsing it would hold up the server. */
export const mostNotebookBytes = 2 * 1024 * 1024;
const longestOutput = 4_000;

type Fields = Readonly<Record<string, unknown>>;

/** The lines of a notebook. Undefined if the text is not a notebook. */
export function notebookLines(text: string): string[] | undefined {
  let notebook: unknown;
  try {
    notebook = JSON.parse(text);
  } catch {
    // It is not JSON, so it is no notebook and is shown as text.
    return undefined;
  }
  const cells = fieldsOf(notebook)?.cells;
  if (!Array.isArray(cells)) return undefined;
  return cells.flatMap((cell: unknown, index) => {
    const { cell_type: type, source, outputs } = fieldsOf(cell) ?? {};
    const said = Array.isArray(outputs) ? outputs.map(outputText).join("\n").trim() : "";
    return [
      `# Cell ${index + 1} (${typeof type === "string" ? type.slice(0, 50) : "unknown"})`,
      ...textOf(source).split("\n"),
      ...(said === "" ? [] : ["# Output", ...shortened(said).split("\n")]),
      "",
    ];
  });
}

function outputText(output: unknown): string {
  const fields = fieldsOf(output);
  if (fields === undefined) return "";
  if (fields.output_type === "error") return `${textOf(fields.ename)}: ${textOf(fields.evalue)}`;
  if (fields.text !== undefined) return textOf(fields.text);
  const data = fieldsOf(fields.data) ?? {};
  if (data["text/plain"] !== undefined) return textOf(data["text/plain"]);
  const types = Object.keys(data).slice(0, 5).join(", ");
  return types === "" ? "" : `[${types.slice(0, 200)}]`;
}

function shortened(text: string): string {
  return text.length > longestOutput ? `${text.slice(0, longestOutput)}\n[… more output]` : text;
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : undefined;
}

/** A text, or its lines in a list. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return "";
  return value.filter((line) => typeof line === "string").join("");
}
