// Which words of a command may be computed if an allow rule is to cover it. An option can make a
// program run or write something, and a computed word may turn out to be an option: `find . $x`.
import type { ShellWord } from "./shellLine.js";

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter(Boolean));

/**
 * Programs that run nothing and write no file, with any arguments. Except for what they read, they
 * do the same in every folder.
 */
const harmless = words(`
  : true false echo pwd cat tac rev head tail wc nl od cut tr paste join comm cmp fold fmt expand
  unexpand column seq sleep ls dir vdir stat du df readlink realpath dirname basename id whoami
  groups uname nproc arch tty grep egrep fgrep cksum sum md5sum sha1sum sha224sum sha256sum
  sha384sum sha512sum b2sum base64 base32 numfmt factor tsort printenv cd test [ printf
`);

/**
 * Programs whose options or other words can make them run or write something. A rule for one of
 * them allows no computed word. For a program in neither list, a computed word is allowed if it
 * cannot be an option.
 */
const dangerous = words(`
  git hg svn jj find fd fdfind sed gsed awk gawk mawk nawk tar bsdtar cpio zip unzip 7z ar sort uniq
  rg ag ack diff diff3 sdiff patch tee split csplit dd file tree date hostname less more most man
  info vi vim nvim view ex ed nano emacs xargs parallel env sudo doas su runuser nice ionice nohup
  timeout stdbuf setsid setpriv time watch entr script strace ltrace gdb lldb perf valgrind taskset
  flock chroot unshare nsenter systemd-run busybox toybox coreutils sh bash dash zsh ksh mksh ash
  fish csh tcsh source . eval exec command builtin trap make gmake ninja meson cmake just task rake
  npm npx pnpm pnpx yarn bun bunx deno node nodejs ts-node tsx python python2 python3 pip pip3 pipx
  uv uvx poetry perl ruby irb gem bundle php composer lua luajit tclsh expect Rscript R julia ghc
  runghc cabal stack go gofmt cargo rustc rustup java javac jshell mvn gradle ant sbt scala kotlin
  kotlinc swift dotnet mono gcc g++ cc c++ clang clang++ ld as objcopy tsc eslint prettier jest
  vitest mocha ava playwright cypress webpack vite rollup esbuild curl wget ssh scp sftp rsync ftp
  nc ncat netcat socat telnet openssl gpg gpg2 docker podman kubectl helm terraform ansible
  ansible-playbook vagrant aws gcloud az gh glab apt apt-get dpkg yum dnf rpm pacman brew snap
  systemctl service crontab at batch mail sendmail sqlite3 psql mysql mongosh redis-cli screen tmux
  convert magick ffmpeg pandoc latex pdflatex xelatex tex m4 bc dc jq yq xmllint xsltproc install
  mount umount ln cp mv rm rmdir chmod chown chgrp touch mkdir mktemp truncate shred
`);

/** Whether a program only reads, with any arguments. A name with a folder may be any program. */
export function isHarmless(name: ShellWord | undefined): boolean {
  return name?.isStatic === true && harmless.has(name.text);
}

/** Whether a pattern may allow a command whose words are partly computed. */
export function takesComputedWords([name, ...args]: readonly ShellWord[]): boolean {
  const computed = args.filter(({ isStatic }) => !isStatic);
  if (computed.length === 0 || isHarmless(name)) return true;
  const program = name?.text.slice(name.text.lastIndexOf("/") + 1) ?? "";
  if (dangerous.has(program) || /^python\d|^perl\d|^ruby\d/.test(program)) return false;
  return !computed.some(({ mayBeOption }) => mayBeOption);
}
