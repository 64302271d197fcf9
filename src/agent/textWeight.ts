// How much room text takes in a model's context window. The unit is one English character. About
// four of them are a token, and a character of most other scripts counts as several.

/** English characters per token. */
export const weightPerToken = 4;

/** Longer texts are estimated by samples: a log of 20 MB must not block everything. */
const longestRead = 1_000_000;
const samples = 64;

/** The approximate weight of a text. Takes linear time, and bounded time for long texts. */
export function textWeight(text: string): number {
  if (text.length <= longestRead) return weightOfRange(text, 0, text.length);
  const length = Math.floor(longestRead / samples);
  const stride = Math.floor((text.length - length) / (samples - 1));
  let weight = 0;
  for (let sample = 0; sample < samples; sample++) {
    weight += weightOfRange(text, sample * stride, sample * stride + length);
  }
  return Math.ceil((weight / (length * samples)) * text.length);
}

function weightOfRange(text: string, from: number, to: number): number {
  let weight = 0;
  let previous = 0;
  for (let index = from; index < to; index++) {
    const code = text.charCodeAt(index);
    weight += code === 0x20 && previous === 0x20 ? blankInRun : weightOf(code);
    previous = code;
  }
  return Math.ceil(weight);
}

/** Deep indentation is only few tokens. */
const blankInRun = 0.25;

function weightOf(code: number): number {
  if (code < 0x80) return 1;
  // Latin with accents, Greek, Cyrillic, Armenian, Hebrew, Arabic: about two characters a token.
  if (code < 0x800) return 2;
  // Dashes and quotation marks of European texts.
  if (code >= 0x2000 && code < 0x2070) return 2;
  // Scripts of India and its neighbours, of East Asia, and each half of a pair: a token or more.
  return weightPerToken;
}
