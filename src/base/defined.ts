/** What is left of an object type when its `undefined` values are taken out. */
export type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> } & {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
};

/**
 * Copies an object without the members that are `undefined`. With `exactOptionalPropertyTypes` an
 * optional member may be absent, but it may not be `undefined`.
 */
export function defined<T extends object>(values: T): Defined<T> {
  const kept: Partial<T> = {};
  for (const key of Object.keys(values) as (keyof T)[]) {
    if (values[key] !== undefined) kept[key] = values[key];
  }
  return kept as Defined<T>;
}
