// Gives the agent what an editor knows: its diagnostics and its symbol search.
// Run it with `node examples/client-tools.mjs`.
import { TurnwireClient } from "turnwire/client";

// An editor's extension would ask its language servers.
const problems = [{ path: "src/main.ts", line: 3, message: "'port' is never used" }];
const index = { main: "src/main.ts:1", listen: "src/server.ts:12" };

const client = await TurnwireClient.spawn({
  tools: [
    {
      name: "diagnostics",
      description: "The editor's errors and warnings, of one file or of all.",
      inputSchema: { type: "object", properties: { path: { type: "string" } } },
      readOnly: true,
      execute({ path }) {
        const found = problems.filter((problem) => path === undefined || problem.path === path);
        return found
          .map((problem) => `${problem.path}:${problem.line} ${problem.message}`)
          .join("\n");
      },
    },
    {
      name: "findSymbol",
      description: "Where a symbol of the workspace is declared.",
      inputSchema: {
        type: "object",
        properties: { name: { type: "string" } },
        required: ["name"],
      },
      readOnly: true,
      execute({ name }) {
        // What is thrown is what the model is told.
        if (!Object.hasOwn(index, name)) throw new Error(`there is no symbol ${name}`);
        return index[name];
      },
    },
  ],
});
try {
  const { id: workspaceId } = await client.api.createWorkspace({
    path: process.cwd(),
    initAgent: true,
  });
  const { id: sessionId } = await client.api.createSession({ workspaceId });
  const prompt = [
    '@tool diagnostics {"path":"src/main.ts"}',
    '@tool findSymbol {"name":"listen"}',
    '@tool findSymbol {"name":"missing"}',
    "@say Done.",
  ].join("\n");

  const { status } = await client.run({ workspaceId, sessionId, prompt });

  const { messages } = await client.api.listMessages({ workspaceId, sessionId });
  for (const part of messages.flatMap((message) => message.parts)) {
    if (part.type === "toolResult") console.log(part.isError ? "failed:" : "told:", part.output);
  }
  console.log(status);
} finally {
  await client.close();
}
