// Asks a run for a value that fits a schema: `node examples/structured-output.mjs`.
import { TurnwireClient } from "turnwire/client";

const outputSchema = {
  type: "object",
  properties: { language: { type: "string" }, files: { type: "integer", minimum: 0 } },
  required: ["language", "files"],
  additionalProperties: false,
};

const client = await TurnwireClient.spawn({ clientInfo: { name: "structured-output" } });
try {
  const workspace = await client.api.createWorkspace({ path: process.cwd(), initAgent: true });
  const session = await client.api.createSession({ workspaceId: workspace.id });
  const { status, output } = await client.run({
    workspaceId: workspace.id,
    sessionId: session.id,
    // The offline model says what stands here: first a value that does not fit, then one that does.
    prompt:
      process.argv[2] ??
      '@output {"language": "TypeScript", "files": "many"}\n@output {"language": "TypeScript", "files": 42}',
    options: { outputSchema, permissionMode: "plan", limits: { steps: 20 } },
  });
  console.log(status, output);
} finally {
  await client.close();
}
