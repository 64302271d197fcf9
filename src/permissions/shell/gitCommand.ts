// Which command of git a line runs. Options may come before it. A name that is no command of git is
// an alias, which may run anything.
import type { ShellWord } from "./shellLine.js";

const valued: ReadonlySet<string> = new Set([
  ...["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--super-prefix", "--config-env"],
  ...["--attr-source", "--exec-path"],
]);

const known: ReadonlySet<string> = new Set(
  `add am annotate apply archive bisect blame branch bugreport bundle cat-file check-attr check-ignore
  check-mailmap check-ref-format checkout checkout-index cherry cherry-pick clean clone column commit
  commit-graph commit-tree config count-objects credential describe diagnose diff diff-files diff-index
  diff-tree difftool fast-export fast-import fetch fetch-pack filter-branch fmt-merge-msg for-each-ref
  for-each-repo format-patch fsck gc get-tar-commit-id grep gui hash-object help hook index-pack init
  init-db instaweb interpret-trailers log ls-files ls-remote ls-tree mailinfo mailsplit maintenance
  merge merge-base merge-file merge-index merge-tree mergetool mktag mktree multi-pack-index mv
  name-rev notes pack-objects pack-redundant pack-refs patch-id prune prune-packed pull push range-diff
  read-tree rebase reflog remote repack replace request-pull rerere reset restore rev-list rev-parse
  revert rm send-email send-pack shortlog show show-branch show-index show-ref sparse-checkout stage
  stash status stripspace submodule svn switch symbolic-ref tag unpack-file unpack-objects update-index
  update-ref update-server-info upload-archive upload-pack var verify-commit verify-pack verify-tag
  version whatchanged worktree write-tree`.split(/\s+/),
);

/** A command of git, behind git's own options. */
export interface GitCommand {
  readonly name: string;
  readonly args: readonly ShellWord[];
}

/** Reads the words after `git`; undefined if they may be any command. */
export function readGitCommand(args: readonly ShellWord[]): GitCommand | "any" | "none" {
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at];
    if (word === undefined || !word.isStatic) return "any";
    if (!word.text.startsWith("-")) break;
    if (valued.has(word.text)) {
      if (args[at + 1]?.canSplit === true) return "any";
      at++;
    }
  }
  const name = args[at]?.text;
  if (name === undefined) return "none";
  return known.has(name) ? { name, args: args.slice(at + 1) } : "any";
}
