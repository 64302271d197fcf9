/** The last frames of a connection, as a report shows them. */
export class Transcript {
  readonly #lines: string[] = [];

  add(direction: "-->" | "<--" | "---", text: string): void {
    const line = text.length > 400 ? `${text.slice(0, 400)}… (${text.length} characters)` : text;
    this.#lines.push(`${direction} ${line}`);
    if (this.#lines.length > 40) this.#lines.shift();
  }

  /** What has been said, oldest first: `-->` to the server, `<--` from it. */
  lines(): readonly string[] {
    return [...this.#lines];
  }
}
