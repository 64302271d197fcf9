// How words are looked for (protocol.md section 3, `searchSessions`): what a query looks for, and what is
// shown of a hit.
import { cutText } from "../base/text.js";
import { mostIndexed, unspaced } from "./indexedText.js";

/** The most of a query that is looked at; the rest would hardly narrow it. */
const mostQueried = 1_000;
const mostTerms = 16;
/** Shorter beginnings would lead to too much. */
const shortestPrefix = 3;
const beforeHit = 60;
const longestSnippet = 200;

const word = /[\p{L}\p{N}\p{M}\p{Co}\p{So}]+/gu;
const control = /[\p{Cc}\p{Zl}\p{Zp}\s]+/gu;

/** One word of a query. */
export interface SearchTerm {
  /** As it was written. */
  readonly text: string;
  /** As the index is asked for it. */
  readonly match: string;
}

/** What a query looks for: all of it. Nothing in it has a meaning but its words. */
export function termsOf(query: string): readonly SearchTerm[] {
  const texts = cutText(query, mostQueried).normalize("NFC").match(word) ?? [];
  return texts.slice(0, mostTerms).map((text) => {
    // A term has letters, digits, marks and symbols alone, so no quote can end it.
    const tokens = text.replace(unspaced, " $& ").trim().split(/\s+/);
    const last = tokens.at(-1) ?? "";
    const isBeginning = last.length >= shortestPrefix;
    return { text, match: `"${tokens.join(" ")}"${isBeginning ? "*" : ""}` };
  });
}

/** A piece of a text around the first of the terms that stands in it, in one line. */
export function snippetOf(text: string, terms: readonly SearchTerm[]): string {
  const searched = cutText(text, mostIndexed);
  const lower = searched.toLowerCase();
  const found = terms.map((term) => lower.indexOf(term.text.toLowerCase())).filter((at) => at >= 0);
  const at = found.length === 0 ? 0 : Math.min(...found);
  const begin = wordBegin(searched, Math.max(0, at - beforeHit), at);
  const piece = cutText(searched.slice(begin), longestSnippet * 2)
    .replace(control, " ")
    .trim();
  const shown = cutText(piece, longestSnippet);
  const isCut = begin + shown.length < text.trimEnd().length && shown.length >= longestSnippet;
  return `${begin > 0 ? "…" : ""}${shown}${isCut ? "…" : ""}`;
}

/** The first beginning of a word from `from` on, before `to`; never in the middle of a character. */
function wordBegin(text: string, from: number, to: number): number {
  if (from === 0) return 0;
  const blank = text.slice(from, to).search(/\s/);
  if (blank >= 0) return from + blank + 1;
  const code = text.charCodeAt(from);
  return code >= 0xdc00 && code <= 0xdfff ? from + 1 : from;
}
