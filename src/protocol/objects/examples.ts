import type { Checkpoint } from "./checkpoint.js";
import type { Message } from "./message.js";
import type { AgentInfo, ModelInfo } from "./model.js";
import type { RunComplete } from "./run.js";
import type { Session } from "./session.js";
import type { Workspace } from "./workspace.js";

/** Objects that the examples of several declarations share. */
export const offlineModel: ModelInfo = {
  id: "offline",
  provider: "offline",
  name: "Offline model",
  contextWindow: 128000,
  canReason: true,
  supportsImages: false,
  costPerMillionInput: 0,
  costPerMillionOutput: 0,
};

export const readyAgent: AgentInfo = {
  isReady: true,
  isBusy: false,
  engine: "turnwire",
  model: offlineModel,
  modelConfig: { provider: "offline", model: "offline" },
};

export const workspace: Workspace = {
  id: "ws_1f0c",
  path: "/home/ada/engine",
  trusted: false,
  permissionMode: "ask",
  isClosing: false,
  agent: { isReady: false, isBusy: false, engine: "turnwire" },
  createdAt: "2026-11-01T09:30:00.000Z",
};

export const session: Session = {
  id: "ses_7a2b",
  workspaceId: "ws_1f0c",
  title: "Count the lines",
  messageCount: 2,
  promptTokens: 12,
  completionTokens: 5,
  cost: 0,
  contextTokens: 17,
  contextWindow: 128000,
  isBusy: false,
  queuedPrompts: 0,
  queuePaused: false,
  createdAt: "2026-11-01T09:30:01.000Z",
  updatedAt: "2026-11-01T09:30:04.000Z",
};

export const message: Message = {
  id: "msg_91cc",
  sessionId: "ses_7a2b",
  role: "assistant",
  parts: [
    { type: "text", text: "There are 42." },
    { type: "finish", reason: "endTurn" },
  ],
  model: "offline",
  provider: "offline",
  createdAt: "2026-11-01T09:30:02.000Z",
  updatedAt: "2026-11-01T09:30:04.000Z",
};

export const completion: RunComplete = {
  completionId: "cmp_c3d4",
  sequence: 17,
  attempt: 1,
  workspaceId: "ws_1f0c",
  sessionId: "ses_7a2b",
  runId: "r-1",
  messageId: "msg_91cc",
  text: "There are 42.",
  status: "succeeded",
  cancelled: false,
  foldedPrompts: 0,
  usage: { promptTokens: 12, completionTokens: 5, cost: 0 },
  steps: 1,
  sessionTitle: "Count the lines",
  contextTokens: 17,
  contextWindow: 128000,
  completedAt: "2026-11-01T09:30:04.000Z",
};

export const checkpoint: Checkpoint = {
  checkpointId: "chk_3e1f",
  runId: "r-1",
  createdAt: "2026-11-01T09:30:02.000Z",
  files: [{ path: "src/lines.ts", added: 4, removed: 1 }],
};
