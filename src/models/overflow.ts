// How providers and servers say that a conversation does not fit; each uses its own words. The
// patterns are tried on a bounded text, and none of them can backtrack.

/** What an error says about a context window that was too small. */
export interface Overflow {
  /** How many tokens fit, if the error says so. */
  readonly contextWindow?: number;
}

const longestText = 4000;

const codes =
  /context_length|context_window|exceed_context_size|context_size_exceeded|request_too_large|string_above_max_length|context_overflow|token_limit_exceeded|prompt_too_long/i;

/** Some known sentences, by provider. */
const wordings: readonly RegExp[] = [
  // OpenAI, OpenRouter, vLLM, SGLang, LM Studio, llama.cpp, MiniMax, Ollama
  /context[ _-]?(length|window|size|limit|overflow)/i,
  /context[ _-](is )?(too long|exceeded)/i,
  // Anthropic, Ollama, Bedrock
  /(prompt|input|request|conversation|message)s? (is|are|was|were)? ?too (long|large|big)/i,
  // Gemini, xAI
  /(too many|maximum number of) (input |prompt |total )?tokens/i,
  /maximum (allowed )?(context|prompt|input|model|sequence) (length|size|tokens)/i,
  /(model|input|prompt|total|context) token (limit|count of \d+ exceeds)/i,
  /input (token count|length) .{0,60}exceed/i,
  /prompt token count .{0,60}exceed/i,
  /token (count|limit) exceed/i,
  /exceed(s|ed)? .{0,40}(token limit|limit of [\d,]+ tokens|max(imum)? tokens allowed)/i,
  // Groq, Together, Fireworks
  /reduce the (length|size|number) of (the |your )?(messages|prompt|input|tokens)/i,
  /(longer|larger|greater) than the (maximum |model'?s )?(model|context|input|sequence)/i,
  // Moonshot, DashScope, text-generation-inference, Cohere
  /total message size .{0,60}exceed/i,
  /range of input length should be/i,
  /tokens .{0,30}max_new_tokens. must be/i,
  /(prompt|input|message|content|request) (length|size) .{0,40}(exceed|too large|limit)/i,
  /exceeds? the (model's )?(max_seq_len|maximum sequence)/i,
];

/** Sentences that look like one of these, but are about the reply or about a rate. */
const otherwise =
  /max(_completion|_output)?_tokens.{0,20} (is |must be|too|cannot)|per (minute|hour|day)|rate.?limit/i;

const number = "([0-9][0-9,_]{0,15})";
/**
 * Finds the number of tokens that fit. The number of tokens that were sent comes earlier and does
 * not match.
 */
const windows: readonly RegExp[] = [
  new RegExp(`> ?${number}(?: maximum| tokens|$|\\D)`, "i"),
  new RegExp(
    `(?:maximum|max)[ a-z']{0,40}(?:length|size|tokens|context)[ a-z]{0,12}[(:=]? ?(?:is|of|to)? ?${number}`,
    "i",
  ),
  new RegExp(`tokens allowed ?[(:]? ?${number}`, "i"),
  new RegExp(`(?:token limit|context limit|limit)(?: is| of|:)? ?${number}`, "i"),
  new RegExp(`context (?:length|window|size)(?: is| of| of only)? ?[(:]? ?${number}`, "i"),
  new RegExp(`${number} maximum context`, "i"),
  new RegExp(`${number}[ -]token(?:s)? context`, "i"),
  new RegExp(`input length should be \\[\\d{1,9}, ?${number}\\]`, "i"),
  new RegExp(`must be <= ?${number}`, "i"),
];

const smallestWindow = 256;
const largestWindow = 100_000_000;

/**
 * Whether an error says that the conversation does not fit, and how much would fit.
 *
 * @param found a window that a member of the error names.
 */
export function overflowOf(
  errorCodes: string,
  words: string,
  found?: number,
): Overflow | undefined {
  const text = words.slice(0, longestText);
  const isCoded = codes.test(errorCodes.slice(0, longestText));
  if (!isCoded && (!wordings.some((wording) => wording.test(text)) || otherwise.test(text))) {
    return undefined;
  }
  const window = found ?? windowIn(text);
  return window === undefined ? {} : { contextWindow: window };
}

function windowIn(text: string): number | undefined {
  // That number is in bytes.
  if (/message size/i.test(text)) return undefined;
  for (const pattern of windows) {
    const window = Number(pattern.exec(text)?.[1]?.replaceAll(/[,_]/g, ""));
    if (window >= smallestWindow && window <= largestWindow) return window;
  }
  return undefined;
}
