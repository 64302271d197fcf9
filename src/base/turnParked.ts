/**
 * Thrown by a turn that was asked to begin nothing more, because its server ends and the next one goes on
 * with it (protocol.md section 4, Parking). Nothing of the turn is under way then.
 */
export class TurnParked extends Error {
  override readonly name = "TurnParked";

  constructor() {
    super("the turn waits for the next server");
  }
}
