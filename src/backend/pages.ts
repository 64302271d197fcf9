import { DomainError } from "../base/errors.js";

/** The default size of a page of a list. */
export const defaultPageSize = 100;

/**
 * The position that a cursor stands for. Throws `InvalidParams` if the cursor is not one of ours.
 */
export function positionOf(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const position = /^\d{1,15}$/.test(cursor) ? Number(cursor) : Number.NaN;
  if (Number.isSafeInteger(position)) return position;
  const message = "not a cursor that this server gave; begin again without one";
  throw new DomainError("InvalidParams", `cursor: ${message}.`, {
    data: { issues: [{ path: "cursor", message }] },
  });
}

/**
 * Cuts `rows`, read with one more than `limit`, to a page and the cursor of the next; `isCut` says
 * that there are more rows than were read.
 */
export function toPage<T extends { readonly position: number }>(
  rows: readonly T[],
  limit: number,
  isCut = false,
): { rows: readonly T[]; next: { nextCursor?: string } } {
  if (rows.length <= limit && !isCut) return { rows, next: {} };
  const page = rows.slice(0, limit);
  return { rows: page, next: { nextCursor: String(page.at(-1)?.position ?? 0) } };
}
