// Shell lines from a grammar, the same for the same seed: plain ones, ones with everything in them
// that evaluates text, and ones that were damaged afterwards.

/** Numbers from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The programs that lines run; each is a stub that writes down its name and arguments. */
export const stubs = ["p0", "p1", "p2", "p3", "p4"] as const;

type Rule = () => string;

/** Makes lines. Functions are never called `p…`, and no function calls another: nothing recurs. */
export function lineMaker(random: () => number): () => string {
  const pick = <T>(options: readonly T[]): T => options[Math.floor(random() * options.length)] as T;
  const some = (rule: Rule, most: number, joint = " ") =>
    Array.from({ length: Math.floor(random() * (most + 1)) }, rule).join(joint);
  let depth = 0;
  const deeper = (rule: Rule, flat: string) => {
    if (depth > 3) return flat;
    depth++;
    const text = rule();
    depth--;
    return text;
  };

  const program = () => pick(stubs);
  const literal = () =>
    pick([
      "a",
      "b",
      "-x",
      "--y=z",
      "1",
      "a=b",
      "%",
      "a#b",
      "=",
      "@",
      "\\$",
      "\\'",
      '\\"',
      "\\\\",
      "\\ ",
      "\\\n",
      "!",
      "~",
      ".",
      "é",
      "[",
      "]",
      "{",
      "}",
      "{}",
      ",",
      "^",
      "-",
    ]);
  const variable = () => pick(["x", "y", "z", "1", "@", "*", "#", "?", "HOME"]);
  const operand = () =>
    pick(["a", "$x", "", "'a'", '"b"', "\\}", "1", "p1", "a b", substitution(), "*"]);
  const parameter = () => {
    const name = variable();
    const operator = pick([
      "",
      ":-",
      "-",
      ":+",
      "+",
      "#",
      "##",
      "%",
      "%%",
      "/a/",
      "//",
      "^",
      ",,",
      ":",
      ":1:",
      "@P",
      "@Q",
      ":=",
      "=",
      "[0]",
      "[x]",
      "[@]",
      "?",
    ]);
    const prefix = pick(["", "", "", "", "#", "!"]);
    return `\x24{${prefix}${name}${operator}${operator === "" ? "" : operand()}}`;
  };
  const substitution = (): string =>
    deeper(() => {
      const inner = list();
      return pick([
        `$(${inner})`,
        `$( ${inner} )`,
        `\`${pick([inner, program()])}\``,
        `$(${inner}\n)`,
      ]);
    }, "$x");
  const arithmetic = () =>
    `$((${pick(["1", "1 + 2", "x", "$x", "(2)", "x[1]", "1 << 2", substitution()])}))`;
  const inDouble = (): string =>
    some(
      () =>
        pick([
          literal,
          () => `$${variable()}`,
          parameter,
          substitution,
          arithmetic,
          () => "'",
          () => " ",
          () => "#",
          () => "*",
          () => ";",
        ])(),
      4,
      "",
    );
  const quoted = () =>
    pick([
      () =>
        `'${some(() => pick(["a", " ", "$x", '"', "\\", ";", "#", "`", "$(p4)", "\n", "[$(p4)]"]), 3, "")}'`,
      () => `"${inDouble()}"`,
      () => `$'${some(() => pick(["a", "\\'", "\\n", "\\x41", '"', " ", "\\\\"]), 3, "")}'`,
      () => `$"${pick(["a", "$x", "b c"])}"`,
    ])();
  const expansion = () =>
    pick([
      () => `$${variable()}`,
      parameter,
      substitution,
      arithmetic,
      () => "$[x]",
      () => pick(["*", "a*", "?", "[ab]", "[!a]*", "@(a|b)", "!(a)"]),
      () => pick(["{a,b}", "{1..3}", "{a,$x}", "{,}", "{a,'b c'}", '{"a",b}']),
      () => pick(["~", "~/a", "~+"]),
      () => deeper(() => `${pick(["<", ">"])}(${list()})`, "a"),
    ])();
  const piece = () => pick([literal, literal, literal, quoted, quoted, expansion])();
  const word = () => piece() + (random() < 0.3 ? piece() : "") + (random() < 0.1 ? piece() : "");

  const redirection = () =>
    pick([
      () =>
        `${pick(["", "2", "3"])}${pick([">", ">>", "<", "<>", ">|", "&>", ">&", "<&"])}${pick([" ", ""])}${pick(["/dev/null", "out", "1", "2", "-", "$x", '"$x"'])}`,
      () => `<<< ${word()}`,
      () => "2>&1",
      () => "{v}>/dev/null",
    ])();
  const document = () => {
    const end = pick(["E", "E1"]);
    const mark = pick([end, `'${end}'`, `"${end}"`, `\\${end}`]);
    const body = some(
      () =>
        pick([
          "a",
          "$x",
          "$(p4)",
          "`p4`",
          "'",
          '"',
          "\\",
          "E ",
          " E",
          "\x24{x:-$(p4)}",
          "a\\",
          "$((1))",
          "))",
          "\\$(p4)",
        ]),
      3,
      "\n",
    );
    return (rest: string) => `<<${pick(["", "-"])}${mark}${rest}\n${body}\n${end}\n`;
  };
  const assignment = () =>
    `${pick(["x", "y", "z"])}${pick(["=", "=", "+=", "[0]=", "[x]="])}${pick([word(), "", "(a b)", "([x]=1)"])}`;
  const builtin = () =>
    pick([
      () => `echo ${some(word, 2)}`,
      () => `printf ${some(word, 3)}`,
      () => `printf -v ${word()} ${word()}`,
      () => `read ${word()} <<< ${word()}`,
      () => `[ ${some(word, 3)} ]`,
      () => `test ${some(word, 3)}`,
      () =>
        `[[ ${pick([`-n ${word()}`, `${word()} == ${word()}`, `${word()} -eq ${word()}`, `-v ${word()}`, `! -f ${word()} && -n a`])} ]]`,
      () => `eval ${some(() => pick([word(), program(), ";", quoted()]), 3)}`,
      () => `trap ${pick([quoted(), "'p1'", "p1"])} EXIT`,
      () => `export ${pick([assignment(), word()])}`,
      () => `declare ${pick(["", "-i", "-n", "-a"])} ${pick([assignment(), word()])}`,
      () => `unset ${word()}`,
      () => `let ${word()}`,
      () => `(( ${pick(["x", "1", "$x", "x[1]"])} ))`,
      () => `: ${some(word, 2)}`,
      () => `set ${pick(["-e", "-f", "-- a b", "-k", "-u"])}`,
      () => `shopt -s ${pick(["extglob", "nullglob", "expand_aliases"])}`,
      () => `alias p0='p1 a'`,
      () => `alias a='p2 '`,
    ])();
  const wrapper = () =>
    pick([
      "command",
      "builtin",
      "exec",
      "exec -a q",
      "env",
      "env x=1",
      "env -i",
      "nice",
      "nice -n 1",
      "timeout 5",
      "nohup",
      "stdbuf -oL",
      "timeout $x",
      "xargs",
      "xargs -I p0",
      "xargs -n 1",
      "command -p",
      "command -v",
      "env -S",
      "time",
      "! ",
      "env -u x",
      "exec -c",
    ]);
  const simple = (): string => {
    const parts = [
      some(assignment, random() < 0.15 ? 1 : 0),
      random() < 0.12 ? wrapper() : "",
      program(),
      some(word, 3),
    ];
    if (random() < 0.15) parts.splice(Math.floor(random() * 4), 0, redirection());
    return parts.filter(Boolean).join(pick([" ", " ", "  ", "\t", " \\\n"]));
  };
  const wrapped = () =>
    pick([
      () => `sh -c ${pick([quoted(), `'${list().replaceAll("'", "'\\''")}'`])} ${some(word, 2)}`,
      () => `bash -c ${pick([quoted(), `'${list().replaceAll("'", "'\\''")}'`])} ${some(word, 2)}`,
      () =>
        `find . -maxdepth 0 -exec ${program()} ${some(word, 2)} ${pick(["{} ", ""])}${pick(["\\;", "+", "';'"])}`,
      () => `find . -maxdepth 0 ${word()} ${word()}`,
      () =>
        `echo ${word()} | xargs ${pick(["", "-I a", "-I {}", "-n 1"])} ${program()} ${some(word, 2)}`,
    ])();
  const compound = () =>
    pick([
      () =>
        `if ${list()}; then ${list()}; ${pick(["", `else ${list()}; `, `elif ${list()}; then ${list()}; `])}fi`,
      () => `for ${pick(["x", "y", "PATH"])} in ${some(word, 3)}; do ${list()}; done`,
      () => `for x; do ${list()}; done`,
      () => `for ((x = 0; x < 2; x++)); do ${list()}; done`,
      () => `while ${list()}; do ${list()}; break; done`,
      () => `until ${list()}; do ${list()}; break; done`,
      () =>
        `case ${word()} in ${pick(["(", ""])}${word()}${pick(["", "|a"])}) ${list()} ${pick([";;", ";&", ""])} esac`,
      () => `case ${word()} in ${word()}) ${list()};; *) ${list()};; esac`,
      () => `{ ${list()}; }`,
      () => `(${list()})`,
      () => `{ ${list()}; } ${redirection()}`,
      () => `${pick(["f", "p0", "echo", "command"])}() { ${list()}; }`,
      () => `function g { ${list()}; }`,
      () => `f() { ${list()}; }; f ${some(word, 2)}`,
      () => `coproc ${simple()}`,
      () => `select x in a; do ${list()}; done`,
    ])();
  const command = (): string =>
    random() < 0.55
      ? simple()
      : deeper(
          () =>
            pick([
              compound,
              compound,
              builtin,
              builtin,
              wrapped,
              () => `${simple()} ${document()("")}`,
              () => document()(`; ${simple()}`).replace(/^/, `${program()} `),
            ])(),
          simple(),
        );
  const list = (): string => {
    let text = command();
    while (random() < 0.25) {
      text += `${pick(["; ", ";", " && ", " || ", " | ", "|", " & ", "\n", " |& ", "\n\n", " #c'\n", "#\n"])}${command()}`;
    }
    return text;
  };
  const damaged = (line: string): string => {
    const at = Math.floor(random() * (line.length + 1));
    const extra = pick([
      "'",
      '"',
      "\\",
      "$",
      "`",
      "{",
      "}",
      "(",
      ")",
      "<",
      ">",
      "|",
      "&",
      ";",
      "#",
      "!",
      "\n",
      " ",
      "\t",
      "*",
      "[",
      "]",
      "=",
      "~",
      "$(",
      "\x24{",
      "<<E\n",
      "$'",
      "&>",
      "((",
      "\r",
      "\u00a0",
    ]);
    return pick([
      () => line.slice(0, at) + extra + line.slice(at),
      () => line.slice(0, at) + line.slice(at + 1),
      () => line.slice(0, at) + extra + line.slice(at + 1),
      () => line.slice(0, at) + line.slice(at, at + 5).repeat(2) + line.slice(at + 5),
    ])();
  };
  return () => {
    depth = 0;
    let line = list();
    while (random() < 0.35) line = damaged(line);
    return line;
  };
}
