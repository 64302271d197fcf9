// The face that speaks the Agent Client Protocol: what puts the program together needs of it.
export { type ServedEditor, serveAcp } from "./serveAcp.js";
export type { FromServer, OpenConnection } from "./turnwireConnection.js";
export { type PeerMessage, TurnwirePeer } from "./turnwirePeer.js";
