// Azure's package imports the inside of OpenAI's package, which is a second copy of all that the
// package is: as large again. Here it gets the same from the one copy that OpenAI's own users have.
import { readFile } from "node:fs/promises";
import { shortened } from "./shortNames.mjs";

/** What Azure's package asks of the inside. */
const asked = [
  ...["OpenAIChatLanguageModel", "OpenAICompletionLanguageModel", "OpenAIEmbeddingModel"],
  ...["OpenAIImageModel", "OpenAIResponsesLanguageModel", "OpenAISpeechModel"],
  ...["OpenAITranscriptionModel", "codeInterpreter", "fileSearch", "imageGeneration"],
  ...["webSearch", "webSearchPreview"],
];

/** An esbuild plugin. A name that the package does not have fails the build. */
export function oneOpenai() {
  return {
    name: "one-openai",
    setup(build) {
      build.onResolve({ filter: /^@ai-sdk\/openai\/internal$/ }, ({ kind, importer, resolveDir }) =>
        build.resolve("@ai-sdk/openai", { kind, importer, resolveDir }),
      );
      const filter = /[\\/]@ai-sdk[\\/]openai[\\/]dist[\\/]index\.mjs$/;
      build.onLoad({ filter, namespace: "file" }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        return { contents: await shortened(`${source}\nexport { ${asked.join(", ")} };\n`) };
      });
    },
  };
}
