/** What is left of an object type when its `undefined` values are taken out. */
export type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> } & {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
};

/**
 * The object without those of its values that are `undefined`, for objects whose optional members
 * may be absent and not `undefined` (`exactOptionalPropertyTypes`).
 */
export function defined<T extends object>(values: T): Defined<T> {
  const kept: Partial<T> = {};
  for (const key of Object.keys(values) as (keyof T)[]) {
    if (values[key] !== undefined) kept[key] = values[key];
  }
  return kept as Defined<T>;
}
