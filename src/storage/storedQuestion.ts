/** A stored question. Times are in milliseconds since the Unix epoch. */
export interface StoredQuestion {
  readonly permissionId: string;
  /** The position of its run. */
  readonly run: number;
  readonly clientId: string;
  /** The params of `requestPermission`, as JSON. */
  readonly body: string;
  readonly askedAt: number;
  /** Undefined while its client is connected to a server. */
  readonly expiresAt: number | undefined;
}
