// Lets the agent run one command and refuses every other: `node examples/permissions.mjs`.
import { TurnwireClient } from "turnwire/client";

const client = await TurnwireClient.spawn({
  onPermission({ tool, description, input }) {
    const isHarmless = tool === "bash" && input.command === "echo hello > /dev/null";
    console.log(`${isHarmless ? "allowed" : "denied"}: ${description}`);
    return isHarmless
      ? { decision: "allow" }
      : { decision: "deny", message: "Only the greeting is allowed." };
  },
});
try {
  const { id: workspaceId } = await client.api.createWorkspace({
    path: process.cwd(),
    initAgent: true,
  });
  const { id: sessionId } = await client.api.createSession({ workspaceId });
  const prompt = [
    '@tool bash {"command":"echo hello > /dev/null"}',
    '@tool bash {"command":"echo bye > /dev/null"}',
    "@say Done.",
  ].join("\n");

  const { text } = await client.run({ workspaceId, sessionId, prompt });
  console.log(text);

  const { messages } = await client.api.listMessages({ workspaceId, sessionId });
  for (const part of messages.flatMap((message) => message.parts)) {
    if (part.type === "toolResult") console.log(part.isError ? "refused" : "ran");
  }
} finally {
  await client.close();
}
