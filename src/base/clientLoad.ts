/** What waits in a channel at this moment. */
export interface ChannelLoad {
  /** The channel's name among those of its server; empty where it is the only one. */
  readonly pipe: string;
  /** What the other side has not read yet, in UTF-16 units of JSON. */
  readonly unread: number;
  /** Messages of the other side that were read and have not come to their handlers. */
  readonly received: number;
}

/** What waits for a client, and what has become of its events since it connected. */
export interface ClientLoad extends Partial<ChannelLoad> {
  readonly clientId: string;
  /** The events that wait until the client reads, and their text in UTF-16 units. */
  readonly events: number;
  readonly eventText: number;
  /** The events that became part of one that waited already. */
  readonly merged: number;
  /** The events that went because too many waited. */
  readonly dropped: number;
}
