// What a random session is made of, and how a request of it is read.
import type { LanguageModelV3CallOptions } from "@ai-sdk/provider";
import { cutText } from "../../src/base/text.js";
import type { PromptAttachment } from "../../src/engine/engine.js";

/** What a session of the test is like. */
export interface World {
  readonly window: number;
  readonly summaryWindow: number;
  readonly instructions: number;
  /** Tokens that the provider counts for a token of ours. */
  readonly density: number;
  readonly usage: "told" | "nothing" | "zero";
  readonly knowsWindow: boolean;
  readonly turns: readonly PlannedTurn[];
}

export interface PlannedTurn {
  readonly prompt: PlannedPrompt;
  readonly steps: readonly PlannedStep[];
  /** What becomes of the turn's summaries, one after the other; good beyond that. */
  readonly summaries: readonly SummaryKind[];
}

export interface PlannedPrompt {
  readonly script: keyof typeof scripts;
  readonly length: number;
  readonly log: number;
  readonly hasImage: boolean;
}

export interface PlannedStep {
  /** The lengths of the outputs of its parallel calls. */
  readonly outputs: readonly number[];
  readonly script: keyof typeof scripts;
  /** What the user says while the tools run. */
  readonly said?: PlannedPrompt | undefined;
}

export const summaryKinds = [
  "good",
  "long",
  "cut",
  "empty",
  "thoughts",
  "call",
  "filtered",
  "broken",
] as const;
export type SummaryKind = (typeof summaryKinds)[number];

export const scripts = {
  latin: "plain words of text ",
  cyrillic: "слова русского текста ",
  han: "汉字的文本内容",
  hindi: "हिन्दी का पाठ ",
  emoji: "😀👍🏽",
  code: "if (a[i] !== b) {\n    return { c: 0x1f };\n  }\n",
} as const;

/** What the user said. */
export interface Said {
  readonly mark: string;
  readonly text: string;
  readonly log: string;
  readonly hasImage: boolean;
}

/** What the user says, with a mark of its own. */
export function saidOf({ script, length, log, hasImage }: PlannedPrompt, index: number): Said {
  const mark = `«U${index}»`;
  const head = `${mark} ${filled(scripts[script], length)}`;
  const logText = log === 0 ? "" : `log of ${mark}: ${filled(scripts.code, log)} end`;
  return { mark, text: `${head} end`, log: logText, hasImage };
}

/** What is attached to it. */
export function filesOf({ log, hasImage, mark }: Said): PromptAttachment[] {
  const text = { name: "a.log", mimeType: "text/plain", data: Buffer.from(log) };
  const image = { name: "a.png", mimeType: "image/png", data: Buffer.from(`image of ${mark}`) };
  return [...(log === "" ? [] : [text]), ...(hasImage ? [image] : [])];
}

/** So much text of a script. */
export function filled(piece: string, length: number): string {
  return cutText(piece.repeat(Math.ceil(length / piece.length)), length);
}

/** All that a request says; an image as what it holds. */
export function textOf({ prompt, tools }: LanguageModelV3CallOptions): {
  text: string;
  images: number;
} {
  const texts = [JSON.stringify(tools ?? [])];
  let images = 0;
  for (const { content } of prompt) {
    if (typeof content === "string") {
      texts.push(content);
      continue;
    }
    for (const part of content) {
      if (part.type === "text" || part.type === "reasoning") texts.push(part.text);
      else if (part.type === "tool-call") texts.push(JSON.stringify(part.input));
      else if (part.type === "tool-result") texts.push(JSON.stringify(part.output));
      else if (part.type === "file") {
        images++;
        texts.push(Buffer.from(part.data as Uint8Array).toString());
      }
    }
  }
  return { text: texts.join("\n\n"), images };
}

/** The tokens of a request, as this provider counts them. */
export function tokensOf(sent: string, images: number): number {
  let tokens = images * 700;
  for (const character of sent) {
    const code = character.codePointAt(0) ?? 0;
    tokens += code < 0x80 ? 0.25 : code < 0x800 ? 0.5 : 1;
  }
  return tokens;
}
