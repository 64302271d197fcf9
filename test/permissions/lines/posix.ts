// On a machine without bash, and in `sh -c`, constructs that only bash has mean another thing.
import { rows } from "./row.js";

const shared = { allow: ["bash:ls*", "bash:echo *"] };

export const posixLines = [
  ...rows(
    { ...shared, language: "posix" },
    {
      allow: [
        "ls $x; ls | ls && ls || ls & ls",
        'ls "$x" \x24{x:-a} \x24{x#a} \x24{x%%a} \x24{#x}',
        "ls $(ls) `ls` $((1 + 1))",
        "for x in a b; do ls $x; done",
        "if ls; then ls; else ls; fi",
        "case $x in a|b) ls;; *) ls;; esac",
        "ls <<E\n$x\nE",
        "ls > /dev/null 2>&1",
        "(ls); { ls; }",
        "ls *.ts [ab] ?",
        "bash -c 'ls {a,b}; ls \x24{x/a/b}'",
      ],
      ask: [
        "ls $'a\\'; touch MARK #'",
        'ls $"a"',
        "ls &> /dev/null",
        "ls &>> /dev/null",
        "ls |& ls",
        "[[ -f x ]] && ls",
        "[[ x == y ]]; ls",
        "((1)); ls",
        "ls {a,b}",
        "ls {1..3}",
        "ls <<< x",
        "ls <(ls)",
        "ls \x24{x/a/b}",
        "ls \x24{x:0:1}",
        "ls \x24{x^}",
        "ls \x24{x[0]}",
        "ls \x24{!x}",
        "ls \x24{x@Q}",
        "ls $[1]",
        "time ls",
        "function f { ls; }; ls",
        "x=(a b); ls",
        "x+=a; ls",
        "select x in a; do ls; done",
        "coproc ls",
        "case a in a) ls;& b) ls;; esac",
        "case a in a) ls;;& b) ls;; esac",
        "for ((;;)); do ls; done",
        "ls 2>&1 >& MARK",
        "export X=$x; ls",
      ],
      deny: [],
    },
  ),
  ...rows({ ...shared, language: "unknown" }, { allow: [], ask: ["ls", "ls a"], deny: [] }),
  ...rows(
    { mode: "allow", deny: ["bash:rm -rf*"], language: "unknown" },
    {
      allow: [],
      ask: ["dir"],
      deny: ["rm -rf x"],
    },
  ),
];
