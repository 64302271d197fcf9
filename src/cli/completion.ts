/**
 * `turnwire completion`: a script for a shell that completes commands, options and the values of
 * options. It is made from the program itself, so it always fits it (docs/cli.md).
 */
import type { Command, Option } from "commander";
import type { CompletionOptions, Shell } from "./completionOptions.js";

/** The possible words after a command, or after an option with a value. */
interface Place {
  /** The full name of the command, such as `turnwire sessions list`. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly Word[];
  /** The possible arguments, if they are known. */
  readonly choices: readonly string[];
  /** The options that take a value, with how it is completed. */
  readonly values: readonly OptionValue[];
}

interface Word {
  readonly word: string;
  readonly description: string;
}

interface OptionValue {
  readonly words: readonly string[];
  readonly kind: "choice" | "file" | "folder" | "other";
  readonly choices: readonly string[];
}

/** The script, to be run by the shell (`source`, `eval`). */
export function completionScript({ shell, program }: CompletionOptions): string {
  return scripts[shell](placesOf(program, "turnwire"));
}

const scripts: Readonly<Record<Shell, (places: readonly Place[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

function placesOf(command: Command, path: string): Place[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const options = help.visibleOptions(command);
  const own: Place = {
    path,
    commands: commands.map((one) => ({ word: one.name(), description: one.description() })),
    options: options.flatMap((option) =>
      wordsOf(option).map((word) => ({ word, description: option.description })),
    ),
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    values: options.filter(takesValue).map(optionValue),
  };
  // `help` takes the names of commands, and has no options of its own to complete.
  const below = command.commands.flatMap((one) => placesOf(one, `${path} ${one.name()}`));
  return [own, ...below];
}

function wordsOf({ short, long }: Option): string[] {
  return [short, long].filter((word) => word !== undefined && word !== null);
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function optionValue(option: Option): OptionValue {
  const choices = option.argChoices ?? [];
  const name = /[<[]([\w/-]+)/.exec(option.flags)?.[1];
  const kind = choices.length > 0 ? "choice" : (kinds[name ?? ""] ?? "other");
  return { words: wordsOf(option), kind, choices };
}

/** How a value is completed, by its name in the help. */
const kinds: Readonly<Record<string, OptionValue["kind"]>> = { file: "file", dir: "folder" };

/** The shell's own code that walks over the words before the last one, as all POSIX shells read it. */
function cases(places: readonly Place[]): { commands: string; valued: string } {
  const commands = places.flatMap(({ path, commands: below }) =>
    below
      .filter(({ word }) => places.some((place) => place.path === `${path} ${word}`))
      .map(({ word }) => `      "${path} ${word}") at="${path} ${word}" ;;`),
  );
  const valued = places.flatMap(({ path, values }) =>
    values.flatMap(({ words }) => words.map((word) => `"${path} ${word}"`)),
  );
  return {
    commands: commands.join("\n"),
    valued: valued.length === 0 ? '""' : valued.join("|"),
  };
}

function bashScript(places: readonly Place[]): string {
  const { commands, valued } = cases(places);
  const values = places.flatMap(({ path, values: all }) =>
    all.flatMap(({ words, kind, choices }) => {
      const compgen = { file: "-f", folder: "-d", other: "", choice: `-W "${choices.join(" ")}"` };
      return words.map((word) => `    "${path} ${word}") how=(${compgen[kind]}) ;;`);
    }),
  );
  const words = places.map(
    (place) => `    "${place.path}") how=(-W "${wordsAt(place).join(" ")}") ;;`,
  );
  return `# bash completion of turnwire. Put this into ~/.bashrc: eval "$(turnwire completion bash)"
_turnwire() {
  local at=turnwire word i skip= cur="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  local how=()
  if [[ $cur == "=" ]]; then cur=; elif [[ $before == "=" ]]; then before="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [[ -n $skip && $word != "=" ]]; then skip=; continue; fi
    case "$at $word" in
${commands}
      ${valued}) skip=1 ;;
    esac
  done
  case "$at $before" in
${values.join("\n")}
    *) case "$at" in
${words.join("\n")}
    esac ;;
  esac
  COMPREPLY=()
  if ((\${#how[@]} > 0)); then
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "\${how[@]}" -- "$cur")
  fi
}
complete -F _turnwire turnwire
`;
}

function zshScript(places: readonly Place[]): string {
  const { commands, valued } = cases(places);
  const values = places.flatMap(({ path, values: all }) =>
    all.flatMap(({ words, kind, choices }) => {
      const how = {
        file: "_files",
        folder: "_files -/",
        other: ":",
        choice: `compadd -- ${choices.join(" ")}`,
      };
      return words.map((word) => `    "${path} ${word}") ${how[kind]}; return ;;`);
    }),
  );
  const words = places.map(({ path, commands: below, options, choices }) => {
    const told = [...below, ...options, ...choices.map((word) => ({ word, description: "" }))];
    const all = told.map(({ word, description }) => quoted(`${word}:${description}`)).join(" ");
    return `    "${path}") all=(${all}) ;;`;
  });
  return `#compdef turnwire
# zsh completion of turnwire. Put this into ~/.zshrc, behind compinit: eval "$(turnwire completion zsh)"
_turnwire() {
  local at=turnwire word skip= i
  local -a all
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    if [[ -n $skip ]]; then skip=; continue; fi
    case "$at $word" in
${commands}
      ${valued}) skip=1 ;;
    esac
  done
  case "$at \${words[CURRENT-1]}" in
${values.join("\n")}
  esac
  case "$at" in
${words.join("\n")}
  esac
  _describe turnwire all
}
compdef _turnwire turnwire
`;
}

function fishScript(places: readonly Place[]): string {
  const { commands, valued } = cases(places);
  const lines = places.flatMap(({ path, commands: below, options, choices, values }) => {
    const here = `complete -c turnwire -n ${quoted(`test (__turnwire_at) = "${path}"`)}`;
    return [
      ...below.map(({ word, description }) => `${here} -xa ${word} -d ${quoted(description)}`),
      ...choices.map((word) => `${here} -xa ${word}`),
      ...options.map(({ word, description }) => {
        const value = values.find(({ words }) => words.includes(word));
        const flag = word.startsWith("--") ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
        return `${here} ${flag}${fishValue(value)} -d ${quoted(description)}`;
      }),
    ];
  });
  const asFish = (text: string) =>
    text.replace(
      /^ *"(.*)"\) at="(.*)" ;;$/gm,
      (_, from, to) => `      case ${quoted(from)}; set at ${quoted(to)}`,
    );
  return `# fish completion of turnwire: turnwire completion fish > ~/.config/fish/completions/turnwire.fish
function __turnwire_at
  set -l at turnwire
  set -l skip ""
  for word in (commandline -opc)[2..-1]
    if test -n "$skip"; set skip ""; continue; end
    switch "$at $word"
${asFish(commands)}
      case ${valued.replaceAll("|", " ")}; set skip 1
    end
  end
  echo $at
end
complete -c turnwire -f
${lines.join("\n")}
`;
}

function fishValue(value: OptionValue | undefined): string {
  if (value === undefined) return "";
  if (value.kind === "choice") return ` -xa ${quoted(value.choices.join(" "))}`;
  if (value.kind === "folder") return ` -xa "(__fish_complete_directories)"`;
  return value.kind === "file" ? " -rF" : " -x";
}

function wordsAt({ commands, options, choices }: Place): string[] {
  return [...commands, ...options].map(({ word }) => word).concat(choices);
}

/** A text as one word of any of the shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "/").replaceAll("'", "'\\''")}'`;
}
