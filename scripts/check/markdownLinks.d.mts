export function markdownPages(root: string): string[];
export function linkComplaints(root: string, pages?: readonly string[]): string[];
export function linksOf(text: string): string[];
export function headingAnchors(text: string): Set<string>;
