import { APICallError } from "@ai-sdk/provider";
import { describe, expect, it } from "vitest";
import { explainError } from "../../src/models/explainError.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { onThisMachine } from "../helpers/longestHold.js";

const who = { providerId: "acme", modelId: "m-1" };

function refusal(message: string, statusCode = 400) {
  const responseBody = JSON.stringify({ error: { message } });
  return http(responseBody, statusCode);
}

function http(responseBody: string, statusCode = 400) {
  const request = { url: "u", requestBodyValues: {} };
  return new APICallError({ message: "Bad Request", ...request, statusCode, responseBody });
}

/** What providers and servers say, and the window that they name. */
const wordings: readonly (readonly [string, number?])[] = [
  ["prompt is too long: 213462 tokens > 200000 maximum", 200_000],
  [
    "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length or `max_tokens` and try again",
    200_000,
  ],
  ["prompt token count of 139021 exceeds the limit of 128000", 128_000],
  ["Invalid request: Your request exceeded model token limit: 262144", 262_144],
  ["total message size 4718592 exceeds limit 4194304"],
  [
    "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens (8000 in the messages, 1000 in the completion).",
    8192,
  ],
  [
    "The decoder prompt (length 40012) is longer than the maximum model length of 32768. Make sure that `max_model_len` is no smaller than the number of text tokens.",
    32_768,
  ],
  ["Your input exceeds the context window of this model. Please adjust your input and try again."],
  [
    "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
    1_048_575,
  ],
  ["This model's maximum prompt length is 131072 but the request contains 537812 tokens.", 131_072],
  ["Please reduce the length of the messages or completion."],
  ["The input (516368 tokens) is longer than the model's context length (262144 tokens).", 262_144],
  ["the request exceeds the available context size (4096 tokens), try increasing it", 4096],
  [
    "The number of tokens to keep from the initial prompt is greater than the context length (4096 tokens)",
    4096,
  ],
  [
    "Trying to keep the first 6000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough.",
    4096,
  ],
  ["invalid params, context window exceeds limit (2013)"],
  ["Prompt contains 40000 tokens, too large for model with 32768 maximum context length", 32_768],
  ["prompt too long; exceeded max context length by 12 tokens"],
  ["Input is too long for requested model."],
  ["Range of input length should be [1, 30720]", 30_720],
  ["Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097", 4097],
  ["Input length 33000 exceeds the maximum allowed input length of 32,768 tokens", 32_768],
  ["Requested token count exceeds the model's maximum context length of 131072 tokens.", 131_072],
  ["too many tokens: size limit exceeded by 1200 tokens"],
  ["Token limit exceeded"],
  ["Input should have at most 32768 tokens", 32768],
  ["This model's maximum is 16385 tokens, you sent 20000", 16385],
  ["Your messages resulted in 20000 tokens, but this model's maximum is 16385", 16385],
  ["Input validation error: `inputs` must have less than 4096 tokens. Given: 5000", 4096],
  ["prompt too long; exceeded max context length by 300 tokens"],
  ["Current length is 9000 while limit is 8192", 8192],
  ["Prompt length (140000) exceeds max_prompt_len (131072)", 131072],
  [
    "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292. Try using a shorter prompt",
    4081,
  ],
  [
    "The model returned the following errors: Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again.",
  ],
  [
    "Malformed input request: expected maxLength: 50000, actual: 70000, please reformat your input and try again.",
  ],
  [
    "Unable to submit request because the input token count is 1200000 but model only supports up to 1048576. Reduce the input token count and try again.",
    1048576,
  ],
  ["Request payload size exceeds the limit: 20971520 bytes."],
  ["Request body is too large for gpt-4o model. Max size: 8000 tokens.", 8000],
  ["Tokens in request more than max tokens allowed: 262144", 262144],
  ["inputs is too long: 40000 tokens, must be at most 32768", 32768],
  ["Prompt is longer than the model's window (32768 tokens)", 32768],
  ["Sequence length 5000 > max sequence length 4096", 4096],
  ["This model supports at most 32768 tokens, but your prompt has 40000", 32768],
  [
    "The total number of tokens (input 130000 + max_tokens 4096) exceeds model limit 131072",
    131072,
  ],
  [
    "'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 8192 tokens and your request has 6000 input tokens (4096 > 8192 - 6000).",
    8192,
  ],
  ["max_tokens must be at least 1, got -200."],
  ["The engine prompt length 40000 exceeds the max_model_len 32768. Please reduce prompt.", 32768],
  ["Prompt tokens (9000) exceed the model's limit (8192)", 8192],
  ["Error: number of input tokens (200000) has exceeded max_seq_len (131072) limit!", 131072],
  ["Input prompt (9000 tokens) is too long and exceeds limit of 8192", 8192],
  [
    "default_max_tokens (4096) should be greater than 0; prompt (9000) should be less than max_num_tokens (8192)",
    8192,
  ],
];

describe("a conversation that is too long", () => {
  const named = wordings.map(([words, window]) => ({ words, window }));
  it.each(named)("is recognised in: $words", ({ words, window }) => {
    for (const error of [
      refusal(words),
      refusal(words, 500),
      http(`[${JSON.stringify({ error: { message: words, code: 400 } })}]`),
      http(JSON.stringify({ detail: words })),
      http(JSON.stringify({ object: "error", message: words, code: 400 })),
      http(
        JSON.stringify({
          error: {
            message: "Provider returned error",
            code: 400,
            metadata: { raw: JSON.stringify({ error: { message: words } }), provider_name: "X" },
          },
        }),
      ),
      // As it comes in a stream: with a code, with none, in words alone.
      { message: words, code: 400 },
      { message: words, type: "invalid_request_error" },
      { error: { message: words } },
      words,
    ]) {
      const { errorName, contextWindow } = explainError(error, who, 0);
      expect({ errorName, contextWindow }).toEqual({
        errorName: "ContextOverflow",
        contextWindow: window,
      });
    }
  });

  it.each([
    ["max_tokens is too large: 100000. This model supports at most 16384 completion tokens."],
    ["Invalid value for max_output_tokens: it must be below the context length"],
    ["messages: roles must alternate"],
    ["tools.0.name: string is longer than 64 characters"],
    ["The model's input must be an image"],
    ["Too many requests"],
    ["Too many tokens, please wait before trying again."],
    ["Image input size exceeds limit"],
    ["max_tokens must be at most 8192 tokens"],
    ["max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens for m-1"],
    [
      "The maximum tokens you requested exceeds the model limit of 4096. Try again with a lower value.",
    ],
    ["max_tokens 40000: the model's maximum is 8192"],
    ["The value of `max_tokens` (40000) exceeds the model's maximum output tokens (8192)"],
    ["Quota exceeded: input tokens exceed what this project may use"],
    ["tools.0.custom.name: String should have at most 64 characters"],
    ["stop: Input should have at most 4 items"],
  ])("is not: %s", (words) => {
    expect(explainError(refusal(words), who, 0).errorName).not.toBe("ContextOverflow");
  });

  it("names its window in a member of the error", () => {
    const error = { code: 400, message: "too big", type: "exceed_context_size_error", n_ctx: 2048 };
    const failure = explainError(http(JSON.stringify({ error })), who, 0);
    expect(failure).toMatchObject({ errorName: "ContextOverflow", contextWindow: 2048 });
  });

  it("is looked for in a moment, whatever is said", async () => {
    for (const unit of ["input ", "token count ", "maximum ", "1 ", ">", "exceed "]) {
      const look = () => explainError(refusal(unit.repeat(100_000)), who, 0);
      expect(await cpuTimeOf(look)).toBeLessThan(onThisMachine(50));
    }
  });
});
