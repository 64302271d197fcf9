// A stand-in for the module `vscode`, as far as the example extension uses it. It has no window: what
// a user would see is a line in `seen`, and what a user would choose comes from `user`.
const { readFileSync, writeFileSync } = require("node:fs");

const seen = [];
const user = { picks: () => undefined, presses: () => undefined };
const participants = new Map();
const commands = new Map();
const providers = new Map();

class Uri {
  constructor(scheme, path) {
    Object.assign(this, { scheme, path, fsPath: path });
  }
  static from({ scheme, path }) {
    return new Uri(scheme, path);
  }
  static file(path) {
    return new Uri("file", path);
  }
  static joinPath(uri, ...more) {
    return new Uri(uri.scheme, [uri.path, ...more].join("/"));
  }
  toString() {
    return `${this.scheme}:${this.path}`;
  }
}

class CancellationTokenSource {
  #listeners = new Set();
  constructor() {
    this.token = {
      isCancellationRequested: false,
      onCancellationRequested: (listener) => {
        this.#listeners.add(listener);
        return { dispose: () => this.#listeners.delete(listener) };
      },
    };
  }
  cancel() {
    this.token.isCancellationRequested = true;
    for (const listener of this.#listeners) listener();
  }
  dispose() {
    this.#listeners.clear();
  }
}

class TabInputText {
  constructor(uri) {
    this.uri = uri;
  }
}

const tabs = [];
const folder = Uri.file(process.cwd());

/** Resolves with what the user picks, or with nothing when the question is withdrawn. */
function showQuickPick(items, { title, placeHolder }, token) {
  seen.push(`asked: ${title} (${placeHolder}) ${items.map(({ label }) => label).join(", ")}`);
  return new Promise((resolve) => {
    token.onCancellationRequested(() => {
      seen.push("withdrawn");
      resolve(undefined);
    });
    const label = user.picks();
    if (label !== undefined) resolve(items.find((item) => item.label === label));
  });
}

const vscode = {
  Uri,
  CancellationTokenSource,
  TabInputText,
  DiagnosticSeverity: { 0: "Error", 1: "Warning" },
  chat: {
    createChatParticipant(id, handler) {
      participants.set(id, handler);
      return { dispose: () => participants.delete(id) };
    },
  },
  commands: {
    registerCommand(name, run) {
      commands.set(name, run);
      return { dispose: () => commands.delete(name) };
    },
  },
  languages: {
    getDiagnostics(uri) {
      const all = [
        [
          Uri.joinPath(folder, "a.ts"),
          [{ range: { start: { line: 2 } }, severity: 0, message: "'x' is not defined" }],
        ],
        [
          Uri.joinPath(folder, "b.ts"),
          [{ range: { start: { line: 0 } }, severity: 1, message: "unused" }],
        ],
      ];
      if (uri === undefined) return all;
      return all.find(([file]) => file.path === uri.path)?.[1] ?? [];
    },
  },
  workspace: {
    isTrusted: false,
    workspaceFolders: [{ uri: folder }],
    getConfiguration: () => ({ get: (_name, byDefault) => byDefault }),
    asRelativePath: (uri) => uri.path.slice(folder.path.length + 1),
    registerTextDocumentContentProvider(scheme, provider) {
      providers.set(scheme, provider);
      return { dispose: () => providers.delete(scheme) };
    },
    async openTextDocument(given) {
      if (!(given instanceof Uri)) return { text: given.content };
      return { uri: given, text: providers.get(given.scheme).provideTextDocumentContent(given) };
    },
  },
  window: {
    createOutputChannel: () => ({
      append() {},
      appendLine: (line) => seen.push(line),
      dispose() {},
    }),
    showQuickPick,
    async showTextDocument({ uri, text }) {
      if (uri !== undefined) tabs.push({ input: new TabInputText(uri) });
      seen.push(`shown: ${text}`);
    },
    async showInformationMessage(text) {
      seen.push(`told: ${text}`);
      return user.presses();
    },
    tabGroups: {
      all: [{ tabs }],
      async close(closed) {
        for (const tab of closed) tabs.splice(tabs.indexOf(tab), 1);
      },
    },
  },
};

/** What the editor gives an extension. `file` keeps its state, as a reload does. */
function contextOf(file) {
  const read = () => JSON.parse(readFileSync(file, { encoding: "utf8", flag: "a+" }) || "{}");
  return {
    extensionPath: __dirname.replace(/.node_modules.*/, ""),
    subscriptions: [],
    workspaceState: {
      get: (key, byDefault) => read()[key] ?? byDefault,
      async update(key, value) {
        writeFileSync(file, JSON.stringify({ ...read(), [key]: value }));
      },
    },
  };
}

/** A prompt in the chat: what its answer shows, and its result. */
async function chat(prompt, { history = [], source = new CancellationTokenSource(), onText } = {}) {
  let text = "";
  const stream = {
    markdown(more) {
      text += more;
      onText?.(text, source);
    },
    progress: (more) => seen.push(`progress: ${more}`),
  };
  const handler = participants.get("turnwire.agent");
  const result = await handler({ prompt }, { history }, stream, source.token);
  return { text, result, source };
}

module.exports = { ...vscode, standIn: { seen, user, tabs, commands, contextOf, chat } };
