/** The text of declarations, with the type of each schema written once. */
export function withNamedSchemas(text: string): string;
/** The text of declarations, with no import that has two names. */
export function withOneImport(text: string): string;
