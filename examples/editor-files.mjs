// Lets the agent see and change what an editor has open, unsaved text included.
// Run it with `node examples/editor-files.mjs`.
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileChangedError, TurnwireClient } from "turnwire/client";

const folder = await realpath(await mkdtemp(join(tmpdir(), "editor-files-")));
const path = join(folder, "port.txt");
await writeFile(path, "port 8080\n");

// An editor's extension has buffers. Each has a version, which grows with every change.
const buffers = new Map([[path, { content: "port 9090\n", version: 1 }]]);

const client = await TurnwireClient.spawn({
  files: {
    async read({ path }) {
      const buffer = buffers.get(path);
      if (buffer !== undefined) return buffer;
      try {
        return { content: await readFile(path, "utf8"), version: 0 };
      } catch (error) {
        if (error.code === "ENOENT") return { missing: true };
        throw error;
      }
    },
    async write({ path, content, version }) {
      const present = await this.read({ path });
      if ((present.version ?? null) !== version) throw new FileChangedError();
      const next = { content, version: (version ?? 0) + 1 };
      buffers.set(path, next);
      await writeFile(path, content);
      return { version: next.version };
    },
  },
});
try {
  const { id: workspaceId } = await client.api.createWorkspace({
    path: folder,
    permissionMode: "acceptEdits",
    initAgent: true,
  });
  const { id: sessionId } = await client.api.createSession({ workspaceId });
  const prompt = [
    '@tool read {"path":"port.txt"}',
    '@tool edit {"path":"port.txt","edits":[{"oldText":"9090","newText":"9091"}]}',
    "@say Done.",
  ].join("\n");

  const { status } = await client.run({ workspaceId, sessionId, prompt });

  const { messages } = await client.api.listMessages({ workspaceId, sessionId });
  for (const part of messages.flatMap((message) => message.parts)) {
    if (part.type === "toolResult") console.log(part.output.trim());
  }
  console.log("buffer:", buffers.get(path).content.trim());
  console.log("disk:", (await readFile(path, "utf8")).trim());
  console.log(status);
} finally {
  await client.close();
  await rm(folder, { recursive: true });
}
