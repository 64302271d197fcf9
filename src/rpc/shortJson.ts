import { secretFields } from "../base/secretFields.js";
import { cutText } from "../base/text.js";

const secrets: ReadonlySet<string> = new Set(secretFields);

/**
 * A value as JSON that ends with `…` where it is longer than `most` UTF-16 units. However large the
 * value is, no more than that is made of it. Fields that never reach the log are left out.
 */
export function shortJson(value: unknown, most: number): string {
  const json = new ShortJson(most);
  json.add(value);
  return json.text.length > most ? `${cutText(json.text, most)}…` : json.text;
}

class ShortJson {
  readonly #most: number;
  text = "";

  constructor(most: number) {
    this.#most = most;
  }

  add(value: unknown): void {
    if (this.#isFull) return;
    if (typeof value === "string") this.#addText(value);
    else if (Array.isArray(value)) this.#addList(value);
    else if (typeof value === "object" && value !== null)
      this.#addMembers(value as Record<string, unknown>);
    else this.text += JSON.stringify(value) ?? "null";
  }

  get #isFull(): boolean {
    return this.text.length > this.#most;
  }

  #addText(text: string): void {
    this.text += JSON.stringify(cutText(text, this.#most));
  }

  #addList(list: readonly unknown[]): void {
    this.text += "[";
    for (const [index, each] of list.entries()) {
      if (this.#isFull) return;
      if (index > 0) this.text += ",";
      this.add(each);
    }
    this.text += "]";
  }

  #addMembers(members: Readonly<Record<string, unknown>>): void {
    let isFirst = true;
    this.text += "{";
    // A list of all entries of a large object would be made for nothing.
    for (const name in members) {
      if (this.#isFull) return;
      const member = members[name];
      if (member === undefined) continue;
      if (!isFirst) this.text += ",";
      isFirst = false;
      this.#addText(name);
      this.text += ":";
      this.add(secrets.has(name) ? "[redacted]" : member);
    }
    this.text += "}";
  }
}
