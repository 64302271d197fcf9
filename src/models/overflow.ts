// How providers and servers say that a conversation does not fit; each uses its own words. The
// patterns are tried on a bounded text, and none of them can backtrack.

/** What an error says about a context window that was too small. */
export interface Overflow {
  /** How many tokens fit, if the error says so. */
  readonly contextWindow?: number;
}

const longestText = 4000;

const codes =
  /context_length|context_window|exceed_context_size|context_size_exceeded|request_too_large|string_above_max_length|context_overflow|token_limit_exceeded|tokens_limit_reached|prompt_too_long/i;

/** Some known sentences, by provider. */
const wordings: readonly RegExp[] = [
  // OpenAI, OpenRouter, vLLM, SGLang, LM Studio, llama.cpp, MiniMax, Ollama
  /context[ _-]?(length|window|size|limit|overflow)/i,
  /context[ _-](is )?(too long|exceeded)/i,
  // Anthropic, Ollama, Bedrock
  /(prompt|input|request|conversation|message)s?( body| entity| payload)? (is|are|was|were)? ?too (long|large|big)/i,
  /(prompt|inputs?) \([^)]{0,40}\) is too (long|large|big)/i,
  /(input|prompt|total) tokens .{0,40}exceed/i,
  /expected maxLength: \d{1,12}, actual/,
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
  /exceed(s|ed)? (the )?(model'?s? )?max(imum)?[_ ](seq|prompt|model|input|context)/i,
  // Validation of the input by a schema; Azure, GitHub Models, Vertex, TensorRT-LLM
  /(input|prompt|messages?)s?\b.{0,20} (at most|less than|up to) [\d,]{1,12} tokens/i,
  /model'?s? (supports|allows|accepts) (only )?(at most|up to) [\d,]{1,12} (input )?tokens/i,
  /input token count is [\d,]{1,12} but/i,
  /model'?s (maximum|limit) (is|of) [\d,]{1,12}/i,
  /exceed(s|ed)? (the )?model('s)? (token |context )?(limit|maximum)/i,
  /tokens in (the |your )?request (is |are )?(more|greater|larger) than/i,
  /current length is [\d,]{1,12} while/i,
  /(sequence|prompt|input) length .{0,20}(>|greater than|larger than)/i,
  /payload size exceeds/i,
];

/** Sentences about the reply's room, which say that the prompt has left none. vLLM, TensorRT-LLM */
const noRoom =
  /your request has [\d,]{1,12} input tokens|_tokens.{0,3} must be at least \d, got -\d|prompt \([\d,]{1,12}\) should be less than/i;

/** Sentences that look like one of these, but are about the reply, a rate, a quota or an image. */
const otherwise: readonly RegExp[] = [
  /max(_completion|_output)?_tokens.{0,20} (is |must be|too|cannot)/i,
  /(?<!\+ ?[`'"]?)max(_completion|_output)?_tokens.{0,4} ?[:=(]? ?\d/i,
  /maximum (output|completion) tokens|maximum tokens you requested/i,
  /per (minute|hour|day)|rate.?limit|\bquota\b|please wait|timed out/i,
  /images? (input )?(size|dimension)/i,
];

/** "by 300 tokens" is what is too much, not what fits. */
const number = "(?<!\\bby )([0-9][0-9,_]{0,15})";
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
  new RegExp(`model'?s? (?:maximum|limit|window|length)(?: is| of)? ?[(:]? ?${number}`, "i"),
  new RegExp(`max_(?:seq|prompt|model|input|num|context)_[a-z]{2,12}[ (:=]{0,3}${number}`, "i"),
  new RegExp(`(?:at most|less than|up to|cannot exceed) ${number}`, "i"),
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
  if (!isCoded && !isOverflow(text)) return undefined;
  const window = found ?? windowIn(text);
  return window === undefined ? {} : { contextWindow: window };
}

function isOverflow(text: string): boolean {
  if (noRoom.test(text)) return true;
  const says = (pattern: RegExp) => pattern.test(text);
  return wordings.some(says) && !otherwise.some(says);
}

function windowIn(text: string): number | undefined {
  // Those numbers are in bytes or characters.
  if (/message size|\bbytes\b|maxLength|\bcharacters\b/i.test(text)) return undefined;
  for (const pattern of windows) {
    const window = Number(pattern.exec(text)?.[1]?.replaceAll(/[,_]/g, ""));
    if (window >= smallestWindow && window <= largestWindow) return window;
  }
  return undefined;
}
