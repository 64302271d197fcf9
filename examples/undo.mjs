// Lets a run write a file, takes it back, and takes that back: `node examples/undo.mjs`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TurnwireClient } from "turnwire/client";

const folder = mkdtempSync(join(tmpdir(), "undo-"));
const client = await TurnwireClient.spawn({ clientInfo: { name: "undo" } });
try {
  const workspace = await client.api.createWorkspace({
    path: folder,
    permissionMode: "allow",
    initAgent: true,
  });
  const session = await client.api.createSession({ workspaceId: workspace.id });
  const ids = { workspaceId: workspace.id, sessionId: session.id };
  await client.run({
    ...ids,
    prompt: '@tool write {"path": "notes.txt", "content": "Remember the milk.\\n"}\n@say Done.',
  });

  const { checkpoints } = await client.api.listCheckpoints(ids);
  for (const { path, added, removed } of checkpoints[0].files) {
    console.log(`changed: ${path} +${added} -${removed}`);
  }

  const told = ({ files }) => files.map(({ path, change }) => `${path} ${change}`).join(", ");
  const { checkpointId } = checkpoints[0];
  const rewound = await client.api.rewindSession({ ...ids, checkpointId });
  console.log(`rewound: ${told(rewound)}, ${rewound.messagesRemoved} messages`);

  // A rewind is a checkpoint itself.
  const back = await client.api.rewindSession({ ...ids, checkpointId: rewound.checkpointId });
  console.log(`back again: ${told(back)}, ${back.messagesRestored} messages`);
} finally {
  await client.close();
  rmSync(folder, { recursive: true, force: true });
}
