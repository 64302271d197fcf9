/**
 * The user has allowed another input than the one that was asked about (protocol.md section 7). The
 * call ends here, before it has changed anything, and begins again with this input.
 */
export class InputChanged extends Error {
  readonly input: Readonly<Record<string, unknown>>;

  constructor(input: Readonly<Record<string, unknown>>) {
    super("the user changed the input");
    this.name = "InputChanged";
    this.input = input;
  }
}
