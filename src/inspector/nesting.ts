/** JSON that is nested without end: nothing that walks through it may fail, and end a recording. */
import { isNestedDeeper } from "../base/jsonDepth.js";

/** What is nested deeper is nothing that a person reads. */
const deepest = 300;

/** The value; where it is nested too deep, with a text in the place of what is deeper. */
export function cutNesting(value: unknown): unknown {
  return isNestedDeeper(value, deepest) ? cut(value, 0) : value;
}

function cut(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth >= deepest) return "[nested too deep]";
  if (Array.isArray(value)) return value.map((item: unknown) => cut(item, depth + 1));
  const members = Object.entries(value).map(([name, member]) => [name, cut(member, depth + 1)]);
  return Object.fromEntries(members);
}
