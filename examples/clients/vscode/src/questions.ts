/** Asks the user whether a tool may do something, with all that it would do on the screen. */
import type { PermissionAnswer, PermissionQuestion } from "turnwire/client";
import * as vscode from "vscode";

const scheme = "turnwire-question";
const labels: Readonly<Record<string, string>> = {
  allow: "Allow",
  allowForSession: "Allow for this session",
  allowAlways: "Always allow in this workspace",
  deny: "Deny",
};

export class Questions implements vscode.Disposable {
  readonly #texts = new Map<string, string>();
  readonly #provider: vscode.Disposable;
  /** One picker at a time: a second one would close the first. */
  #last: Promise<unknown> = Promise.resolve();

  constructor() {
    this.#provider = vscode.workspace.registerTextDocumentContentProvider(scheme, {
      provideTextDocumentContent: ({ path }) => this.#texts.get(path) ?? "",
    });
  }

  dispose(): void {
    this.#provider.dispose();
  }

  /** Asks after the questions that are open. An abort of `signal` takes the question back. */
  ask(question: PermissionQuestion, signal: AbortSignal): Promise<PermissionAnswer> {
    const asked = this.#last.then(() => this.#ask(question, signal));
    this.#last = asked.catch(() => {});
    return asked;
  }

  async #ask(question: PermissionQuestion, signal: AbortSignal): Promise<PermissionAnswer> {
    if (signal.aborted) return { decision: "deny" };
    const withdrawn = new vscode.CancellationTokenSource();
    const withdraw = () => withdrawn.cancel();
    signal.addEventListener("abort", withdraw);
    const uri = await this.#show(question);
    try {
      const items = question.choices.map((choice) => ({ label: labels[choice] ?? choice, choice }));
      const [title = ""] = question.description.split("\n");
      const options = { title, placeHolder: placeOf(question), ignoreFocusOut: true };
      const picked = await vscode.window.showQuickPick(items, options, withdrawn.token);
      return { decision: picked?.choice ?? "deny" };
    } finally {
      signal.removeEventListener("abort", withdraw);
      withdrawn.dispose();
      await this.#close(uri);
    }
  }

  /** The whole question as a document beside: a title shows only one line. */
  async #show(question: PermissionQuestion): Promise<vscode.Uri> {
    const { permissionId, description, diff } = question;
    const path = `/${permissionId}${diff === undefined ? ".txt" : ".diff"}`;
    this.#texts.set(path, [description, placeOf(question), "", diff ?? ""].join("\n"));
    const uri = vscode.Uri.from({ scheme, path });
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { preview: true, preserveFocus: true });
    return uri;
  }

  async #close(uri: vscode.Uri): Promise<void> {
    this.#texts.delete(uri.path);
    const tabs = vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs);
    const isOurs = ({ input }: vscode.Tab) =>
      input instanceof vscode.TabInputText && input.uri.toString() === uri.toString();
    await vscode.window.tabGroups.close(tabs.filter(isOurs));
  }
}

/** The folder or the file that it is about. */
function placeOf({ cwd, path }: PermissionQuestion): string {
  return cwd ?? path ?? "";
}
