// Which files grant permissions, on a real disk: through links, and by whatever name.
import { link, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { grantingPaths } from "../../src/engine/grantingPaths.js";
import { changesGrantingFile } from "../../src/permissions/grantingFile.js";
import { reachPath } from "../../src/tools/files/paths.js";

/** A home that is the workspace. */
async function home() {
  const path = await realpath(await mkdtemp(join(tmpdir(), "turnwire-home-")));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  const env: Record<string, string> = { HOME: path };
  return {
    path,
    env,
    async make(file: string): Promise<string> {
      await mkdir(dirname(join(path, file)), { recursive: true });
      await writeFile(join(path, file), "{}");
      return join(path, file);
    },
    link: (target: string, file: string) => symlink(target, join(path, file)),
    /** Whether writing a file, as a tool names it, changes what grants permissions. */
    async grants(file: string, workspaceEnv: Record<string, string> = {}) {
      const places = grantingPaths(path, join(path, "state", "turnwire"), env, workspaceEnv);
      const { shown, real } = await reachPath(path, file);
      return changesGrantingFile(
        {
          toolCallId: "call_1",
          tool: "write",
          action: "write",
          description: "",
          input: {},
          subject: { kind: "path", value: shown },
          path: real,
        },
        places,
      );
    },
  };
}

describe("the user's configuration grants permissions", () => {
  test("where it is, and what lies beside it", async () => {
    const { grants, make } = await home();
    await make(".config/turnwire/config.json");
    for (const file of ["config.json", "permissions.json", "CONFIG.JSON", "new/file"]) {
      expect(await grants(`.config/turnwire/${file}`)).toBe(true);
    }
    expect(await grants(".config/turnwire")).toBe(true);
    expect(await grants(".config/other/config.json")).toBe(false);
    expect(await grants("config.json")).toBe(false);
  });

  test("before it is there, too", async () => {
    expect(await (await home()).grants(".config/turnwire/config.json")).toBe(true);
  });

  test("through a link of the file, of its folder and of a folder above it", async () => {
    const { grants, make, link: linkTo, path } = await home();
    await make("dotfiles/turnwire.conf");
    await mkdir(join(path, ".config", "turnwire"), { recursive: true });
    await linkTo("../../dotfiles/turnwire.conf", ".config/turnwire/config.json");
    await linkTo(".config", "way");
    expect(await grants("way/turnwire/config.json")).toBe(true);
    const second = await home();
    await second.make("dotfiles/config.json");
    await mkdir(join(second.path, ".config"));
    await second.link("../dotfiles", ".config/turnwire");
    expect(await second.grants("dotfiles/config.json")).toBe(true);
    const third = await home();
    await third.make("dotfiles/turnwire/config.json");
    await third.link("dotfiles", ".config");
    expect(await third.grants("dotfiles/turnwire/config.json")).toBe(true);
    expect(await third.grants("dotfiles/other")).toBe(false);
  });

  test("through a link whose target is still missing", async () => {
    const { grants, link: linkTo, path } = await home();
    await linkTo("dotfiles/conf.json", "named.json");
    expect(await grants("dotfiles/conf.json", { TURNWIRE_CONFIG: join(path, "named.json") })).toBe(
      true,
    );
  });

  test("wherever $TURNWIRE_CONFIG and $XDG_CONFIG_HOME say, with the usual place beside", async () => {
    const { grants, path, env } = await home();
    const named = { TURNWIRE_CONFIG: join(path, "conf", "my.json") };
    expect(await grants("conf/my.json", named)).toBe(true);
    expect(await grants("conf/permissions.json", named)).toBe(true);
    expect(await grants("conf/other.json", named)).toBe(false);
    expect(await grants(".config/turnwire/config.json", named)).toBe(true);
    env.XDG_CONFIG_HOME = join(path, "xdg");
    expect(await grants("xdg/turnwire/config.json")).toBe(true);
  });

  test("not by another hard link: a tool that writes one leaves the configuration as it is", async () => {
    const { grants, make, path } = await home();
    const config = await make(".config/turnwire/config.json");
    await link(config, join(path, "twin.json"));
    expect(await grants("twin.json")).toBe(false);
  });
});

test("the data directory grants permissions", async () => {
  const { grants } = await home();
  expect(await grants("state/turnwire/turnwire.db")).toBe(true);
  expect(await grants("state/other")).toBe(false);
});

test("what turnwire.json and .git lead to grants permissions", async () => {
  const { grants, make, link: linkTo } = await home();
  await make("conf/mine.json");
  await linkTo("conf/mine.json", "turnwire.json");
  await make("gitdata/hooks/pre-commit");
  await linkTo("gitdata", ".git");
  expect(await grants("conf/mine.json")).toBe(true);
  expect(await grants("gitdata/hooks/pre-commit")).toBe(true);
  expect(await grants("gitdata2")).toBe(false);
  const second = await home();
  await second.make(".git/HEAD");
  await second.make("tools/hooks/pre-commit");
  await second.make("tools/gitconfig");
  await second.link("../tools/hooks", ".git/hooks");
  await second.link("../tools/gitconfig", ".git/config");
  expect(await second.grants("tools/hooks/pre-commit")).toBe(true);
  expect(await second.grants("tools/gitconfig")).toBe(true);
});

// What docs/configuration.md says of other files that run things by being there.
test.each([
  [".git/hooks/pre-commit", true],
  [".git/config", true],
  ["vendor/lib/.git/hooks/post-checkout", true],
  [".vscode/tasks.json", false],
  [".vscode/settings.json", false],
  [".idea/workspace.xml", false],
  [".envrc", false],
  [".husky/pre-commit", false],
  ["package.json", false],
  ["Makefile", false],
  [".npmrc", false],
  [".bashrc", false],
  [".profile", false],
  [".zshrc", false],
  [".ssh/config", false],
  [".ssh/authorized_keys", false],
  [".gitconfig", false],
  ["AGENTS.md", false],
])("a pattern that covers %s does not allow to change it: %s", async (file, isProtected) => {
  expect(await (await home()).grants(file)).toBe(isProtected);
});
