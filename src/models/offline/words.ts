import type { LanguageModelV3Prompt } from "@ai-sdk/provider";

/** Counts words in text that comes in pieces: a word may begin in one and end in the next. */
export class WordCounter {
  #count = 0;
  #inWord = false;

  get count(): number {
    return this.#count;
  }

  add(text: string): void {
    for (let index = 0; index < text.length; index++) {
      // Every character up to the space counts as a blank; Unicode's other spaces may count as
      // letters.
      const isLetter = text.charCodeAt(index) > 32;
      if (isLetter && !this.#inWord) this.#count++;
      this.#inWord = isLetter;
    }
  }
}

/** The number of words in a whole prompt. */
export function wordsOfPrompt(prompt: LanguageModelV3Prompt): number {
  const words = new WordCounter();
  for (const message of prompt) {
    if (message.role === "system") words.add(`${message.content} `);
    else for (const part of message.content) words.add(`${textOf(part)} `);
  }
  return words.count;
}

type Content = Exclude<LanguageModelV3Prompt[number], { role: "system" }>["content"][number];

function textOf(part: Content): string {
  switch (part.type) {
    case "text":
    case "reasoning":
      return part.text;
    case "tool-call":
      return JSON.stringify(part.input);
    case "tool-result":
      return "value" in part.output && typeof part.output.value === "string"
        ? part.output.value
        : "";
    default:
      return "";
  }
}
