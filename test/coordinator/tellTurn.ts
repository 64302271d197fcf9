import type { GatedTurn } from "../helpers/gatedEngine.js";
import type { Current } from "./sessionModel.js";

/** Tells a turn, and the model of it, what happens at its gate. */
export function tellTurn(turn: GatedTurn, current: Current, what: string): void {
  if (what === "stop") {
    turn.stop();
    current.phase = "stopped";
  } else if (what === "call") {
    turn.call();
    current.phase = "called";
  } else if (what === "throw") {
    turn.throw(new Error("unexpected"));
    current.phase = "broke";
  } else {
    if (what === "succeed") turn.succeed();
    else turn.fail();
    current.phase = "saidLast";
    current.status = what === "succeed" ? "succeeded" : "failed";
  }
}
