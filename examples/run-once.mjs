// Starts a server, runs one prompt, and shows the reply as it streams: `node examples/run-once.mjs`.
import { TurnwireClient } from "turnwire/client";

const client = await TurnwireClient.spawn({ clientInfo: { name: "run-once" } });
try {
  const workspace = await client.api.createWorkspace({ path: process.cwd(), initAgent: true });
  const session = await client.api.createSession({ workspaceId: workspace.id });

  client.on("messageDelta", ({ kind, delta }) => {
    if (kind === "text") process.stdout.write(delta);
  });

  const completion = await client.run({
    workspaceId: workspace.id,
    sessionId: session.id,
    prompt: process.argv[2] ?? "@say Two lines,\n@say one after the other.",
  });
  console.log(`\n${completion.status}, ${completion.usage?.completionTokens} tokens`);
} finally {
  await client.close();
}
