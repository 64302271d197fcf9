/** The code of a script, with an empty object in front of what each such object begins with. */
export function withSharedShapes(code: string): string;
