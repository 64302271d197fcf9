// Messages as they came, before anything is known of them.

export type Members = Readonly<Record<string, unknown>>;

export function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member that is an object, or an empty one. */
export function membersOf(value: unknown, name: string): Members {
  const member = isMembers(value) ? value[name] : undefined;
  return isMembers(member) ? member : {};
}

/** A member that is a string, or an empty one. */
export function textOf(value: unknown, name: string): string {
  const member = isMembers(value) ? value[name] : undefined;
  return typeof member === "string" ? member : "";
}

/** A member that is a list, or an empty one. */
export function listOf(value: unknown, name: string): readonly unknown[] {
  const member = isMembers(value) ? value[name] : undefined;
  return Array.isArray(member) ? member : [];
}
