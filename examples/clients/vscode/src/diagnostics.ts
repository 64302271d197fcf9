/** A tool for the agent: what the editor has to say about a file, or about every file. */
import type { OwnTool } from "turnwire/client";
import * as vscode from "vscode";

const limit = 200;

export const diagnostics: OwnTool = {
  name: "diagnostics",
  description: "The errors and warnings that the editor shows, for one file or for all files.",
  inputSchema: {
    type: "object",
    properties: { path: { type: "string", description: "The file, relative to the workspace." } },
  },
  readOnly: true,
  execute({ path }) {
    const folder = vscode.workspace.workspaceFolders?.[0];
    if (folder === undefined) throw new Error("no folder is open");
    const all: readonly [vscode.Uri, readonly vscode.Diagnostic[]][] =
      typeof path === "string"
        ? [fileWithDiagnostics(vscode.Uri.joinPath(folder.uri, path))]
        : vscode.languages.getDiagnostics();
    const lines = all.flatMap(([uri, found]) => found.map((one) => lineOf(uri, one)));
    if (lines.length === 0) return "There are no errors and no warnings.";
    const left = lines.length - limit;
    return [...lines.slice(0, limit), ...(left > 0 ? [`(${left} more)`] : [])].join("\n");
  },
};

function fileWithDiagnostics(uri: vscode.Uri): [vscode.Uri, vscode.Diagnostic[]] {
  return [uri, vscode.languages.getDiagnostics(uri)];
}

function lineOf(uri: vscode.Uri, { range, severity, message }: vscode.Diagnostic): string {
  const place = `${vscode.workspace.asRelativePath(uri)}:${range.start.line + 1}`;
  return `${place} ${vscode.DiagnosticSeverity[severity]?.toLowerCase() ?? ""}: ${message}`;
}
