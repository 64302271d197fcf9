// Packages of the clouds (Azure, Bedrock, Vertex) import the inside of a provider's package, which is a
// second copy of all that the package is: as large again. Here they get the same from the one copy
// that the provider's own users have.
import { readFile } from "node:fs/promises";
import { shortened } from "./shortNames.mjs";

/** What the packages of the clouds ask of the inside of each. */
const asked = {
  openai: [
    ...["OpenAIChatLanguageModel", "OpenAICompletionLanguageModel", "OpenAIEmbeddingModel"],
    ...["OpenAIImageModel", "OpenAIResponsesLanguageModel", "OpenAISpeechModel"],
    ...["OpenAITranscriptionModel", "codeInterpreter", "fileSearch", "imageGeneration"],
    ...["webSearch", "webSearchPreview"],
  ],
  anthropic: [
    ...["AnthropicMessagesLanguageModel", "anthropicTools", "getModelCapabilities", "prepareTools"],
    ...["sanitizeJsonSchema", "supportsNativeStructuredOutputSchema"],
  ],
  google: [
    ...["GoogleGenerativeAILanguageModel", "GoogleInteractionsLanguageModel"],
    ...["getGroundingMetadataSchema", "getUrlContextMetadataSchema", "googleTools"],
  ],
};

/** An esbuild plugin. A name that a package does not have fails the build. */
export function oneCopy() {
  const inside = /^@ai-sdk\/(openai|anthropic|google)\/internal$/;
  const index = /[\\/]@ai-sdk[\\/](openai|anthropic|google)[\\/]dist[\\/]index\.mjs$/;
  return {
    name: "one-copy",
    setup(build) {
      build.onResolve({ filter: inside }, ({ path, kind, importer, resolveDir }) =>
        build.resolve(path.replace("/internal", ""), { kind, importer, resolveDir }),
      );
      build.onLoad({ filter: index, namespace: "file" }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        const names = asked[index.exec(path)[1]].join(", ");
        return { contents: await shortened(`${source}\nexport { ${names} };\n`) };
      });
    },
  };
}
