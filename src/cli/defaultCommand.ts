/** The command of a group that is meant if no command is named, as `list` of `turnwire sessions`. */
import type { Command } from "commander";
import { nearest } from "../config/nearest.js";

/**
 * Makes a mistake in the name of a group's command a mistake about that name. Without this the wrong
 * name would count as an argument of the default command, which takes none.
 *
 * @param command the default command of its group. Its own mistakes are told as before.
 */
export function tellUnknownCommands(command: Command): Command {
  return command.allowExcessArguments().hook("preAction", ({ args, parent }) => {
    const [first] = args;
    if (first === undefined || parent === null) return;
    if (parent.args[0] === command.name()) {
      const count = `Expected 0 arguments but got ${args.length}`;
      return command.error(`error: too many arguments for '${command.name()}'. ${count}.`);
    }
    const names = parent.commands.map((one) => one.name());
    const guess = nearest(first, names);
    const hint = guess === undefined ? `it has ${names.join(", ")}` : `did you mean ${guess}?`;
    return parent.error(`error: '${parent.name()}' has no command '${first}'; ${hint}`);
  });
}
