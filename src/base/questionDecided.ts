/**
 * Why a permission question is withdrawn: a rule, a mode or the answer to another question has decided
 * it meanwhile (protocol.md section 7).
 */
export class QuestionDecided extends Error {
  readonly decision: "allow" | "deny";

  constructor(decision: "allow" | "deny") {
    super("the question was decided without an answer to it");
    this.name = "QuestionDecided";
    this.decision = decision;
  }
}
