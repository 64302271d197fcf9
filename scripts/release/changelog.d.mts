export function released(changelog: string, version: string): string;
export function notesOf(changelog: string, version: string): string | undefined;
