// A rule holds in the folder that it was given for.
import { rows } from "./row.js";

const allow = ["bash:cd *", "bash:cd", "bash:./build.sh", "bash:ls*", "bash:pushd *", "bash:tool"];
const inRoot = [...allow, "bash:chroot *"];

export const folderLines = [
  ...rows(
    { allow: inRoot },
    {
      allow: ["chroot evil ls"],
      ask: ["chroot evil ./build.sh", "chroot evil tool", "chroot evil /bin/sh -c ./build.sh"],
      deny: [],
    },
  ),
  ...rows(
    { allow },
    {
      allow: [
        "./build.sh",
        "cd . && ./build.sh",
        "cd ./ && tool",
        "cd evil",
        "cd evil && ls",
        "cd evil; ls $x",
        "cd $x && ls",
        "ls && ./build.sh",
      ],
      ask: [
        "cd evil && ./build.sh",
        "cd evil; ./build.sh",
        "cd evil\n./build.sh",
        "cd evil || ./build.sh; ./build.sh",
        "cd ./evil && tool",
        "cd 'evil' && tool",
        "cd $x && tool",
        "cd; tool",
        "cd ~ && tool",
        "cd - && tool",
        "cd -P evil && tool",
        "cd -- evil && tool",
        "cd / && tool",
        "cd .. && tool",
        "cd evil/.. && tool",
        "cd evil && cd .. && tool",
        "cd . && cd evil && tool",
        "cd . || cd evil; tool",
        "pushd evil && tool",
        "pushd evil; ./build.sh",
        "(cd evil; ./build.sh)",
        "{ cd evil; }; ./build.sh",
        "if cd evil; then ./build.sh; fi",
        "for x in evil; do cd $x; ./build.sh; done",
        "while ./build.sh; do cd evil; done",
        "f() { cd evil; }; ls; ./build.sh",
        "eval 'cd evil'; ./build.sh",
        "command cd evil; ./build.sh",
        "builtin cd evil; ./build.sh",
        "sh -c 'cd evil; ./build.sh'",
        "ls $(cd evil; ./build.sh)",
        "cd evil | ./build.sh",
        "cd evil & ./build.sh",
        "! cd evil; ./build.sh",
        "CDPATH=evil cd x && tool",
        "evil/build.sh",
        "./evil/build.sh",
        "evil/../build.sh",
        "../build.sh",
      ],
      deny: [],
    },
  ),
  ...rows(
    { allow, folder: "evil" },
    {
      allow: ["ls", "ls $x", "cd .. && ./build.sh", "cd .. && tool"],
      ask: [
        "./build.sh",
        "tool",
        "cd .. ; ./build.sh",
        "cd ../evil && ./build.sh",
        "cd .. || tool",
        "cd ../..; tool",
        "../build.sh",
      ],
      deny: [],
    },
  ),
  ...rows(
    { allow: ["bash"], folder: "evil" },
    {
      allow: ["./build.sh", "cd x; tool"],
      ask: [],
      deny: [],
    },
  ),
];
