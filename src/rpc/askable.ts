import type { MessageConnection } from "vscode-jsonrpc/node";

/** A connection that questions can go to. */
export interface Askable {
  readonly clientId: string;
  /** The identity that the connection had until the client told its own. */
  readonly earlierId?: string;
  /** Whether it answers `requestPermission`, and `requestInput`. */
  readonly canAnswer: boolean;
  readonly canGiveInput: boolean;
  readonly connection: MessageConnection;
}

/** Whether a connection is of this client. */
export function isOf({ clientId, earlierId }: Askable, asked: string): boolean {
  return clientId === asked || earlierId === asked;
}
