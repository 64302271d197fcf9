// The floor that every target is a ratio to: a bare server on vscode-jsonrpc over stdio that echoes,
// and answers a prompt by one HTTP call and relays its chunks. Nothing is checked, stored or merged.
import { createMessageConnection } from "vscode-jsonrpc/node";

const url = `${process.argv[2]}/chat/completions`;
const connection = createMessageConnection(process.stdin, process.stdout);

connection.onRequest("initialize", (params: unknown) => ({ echo: params }));
connection.onRequest("ping", () => ({}));
connection.onRequest("prompt", (params: { session: string; prompt: string }) => {
  void answer(params.session, params.prompt);
  return {};
});

async function answer(session: string, prompt: string): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "bench-1",
      stream: true,
      messages: [{ role: "user", content: prompt }],
    }),
  });
  let text = "";
  for await (const delta of deltas(response)) {
    text += delta;
    void connection.sendNotification("delta", { session, delta });
  }
  await connection.sendNotification("done", { session, text });
}

async function* deltas(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  let rest = "";
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith("data: {")) continue;
      const delta = JSON.parse(line.slice(6)).choices[0]?.delta.content;
      if (delta !== undefined) yield delta;
    }
  }
}

connection.listen();
connection.onClose(() => process.exit(0));
