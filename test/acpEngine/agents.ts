// The agents that `npm run test:engines` drives, and how each is pointed at a model on this machine.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** How an agent is started. */
export interface Started {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** An agent. */
export interface RealAgent {
  readonly name: string;
  /** The package that has it. */
  readonly packageName: string;
  /**
   * How it is started.
   *
   * @param modules the folder of the installed packages.
   * @param home an empty folder for what it writes.
   */
  start(modules: string, home: string, origin: string): Started;
}

const key = "a-key-for-nobody";

export const realAgents: readonly RealAgent[] = [
  {
    name: "claude",
    packageName: "@agentclientprotocol/claude-agent-acp",
    start: (modules, home, origin) => ({
      command: [join(modules, ".bin", "claude-agent-acp")],
      env: {
        HOME: home,
        CLAUDE_CONFIG_DIR: join(home, ".claude"),
        ANTHROPIC_BASE_URL: origin,
        ANTHROPIC_API_KEY: key,
        DISABLE_TELEMETRY: "1",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      },
    }),
  },
  {
    name: "codex",
    packageName: "@agentclientprotocol/codex-acp",
    start(modules, home, origin) {
      const codexHome = join(home, ".codex");
      mkdirSync(codexHome, { recursive: true });
      const config = [
        'model = "m"',
        'model_provider = "fake"',
        "[model_providers.fake]",
        'name = "fake"',
        `base_url = "${origin}/v1"`,
        'wire_api = "responses"',
        'env_key = "FAKE_KEY"',
      ];
      writeFileSync(join(codexHome, "config.toml"), config.join("\n"));
      return {
        command: [join(modules, ".bin", "codex-acp")],
        env: {
          HOME: home,
          CODEX_HOME: codexHome,
          MODEL_PROVIDER: "fake",
          FAKE_KEY: key,
          INITIAL_AGENT_MODE: "read-only",
        },
      };
    },
  },
  {
    name: "gemini",
    packageName: "@google/gemini-cli",
    start(modules, home, origin) {
      mkdirSync(join(home, ".gemini"), { recursive: true });
      const settings = {
        security: { auth: { selectedType: "gemini-api-key" } },
        privacy: { usageStatisticsEnabled: false },
        general: { disableAutoUpdate: true },
      };
      writeFileSync(join(home, ".gemini", "settings.json"), JSON.stringify(settings));
      return {
        command: [join(modules, ".bin", "gemini"), "--acp", "--model", "gemini-2.5-flash"],
        env: { HOME: home, GEMINI_API_KEY: key, GOOGLE_GEMINI_BASE_URL: origin },
      };
    },
  },
  {
    name: "opencode",
    packageName: "opencode-ai",
    start(modules, home, origin) {
      const provider = {
        npm: "@ai-sdk/openai-compatible",
        name: "fake",
        options: { baseURL: `${origin}/v1`, apiKey: key },
        models: { m: { name: "m" } },
      };
      const config = {
        provider: { fake: provider },
        model: "fake/m",
        small_model: "fake/m",
        permission: { bash: "ask", edit: "ask" },
        autoupdate: false,
        share: "disabled",
      };
      return {
        command: [join(modules, ".bin", "opencode"), "acp"],
        env: {
          HOME: home,
          XDG_DATA_HOME: join(home, "data"),
          XDG_CONFIG_HOME: join(home, "config"),
          XDG_CACHE_HOME: join(home, "cache"),
          XDG_STATE_HOME: join(home, "state"),
          OPENCODE_CONFIG_CONTENT: JSON.stringify(config),
          OPENCODE_DISABLE_MODELS_FETCH: "1",
        },
      };
    },
  },
  {
    name: "copilot",
    packageName: "@github/copilot",
    start(modules, home, origin) {
      const native = join(modules, "@github", `copilot-${process.platform}-${process.arch}`);
      const program = join(native, "copilot");
      return {
        command: [existsSync(program) ? program : join(modules, ".bin", "copilot"), "--acp"],
        env: {
          HOME: home,
          COPILOT_OFFLINE: "true",
          COPILOT_PROVIDER_BASE_URL: `${origin}/v1`,
          COPILOT_PROVIDER_API_KEY: key,
          COPILOT_PROVIDER_TYPE: "openai",
          COPILOT_MODEL: "gpt-4.1",
        },
      };
    },
  },
];

/** The version of an installed package. */
export function versionOf(modules: string, packageName: string): string {
  const text = readFileSync(join(modules, packageName, "package.json"), "utf8");
  return String((JSON.parse(text) as { version: unknown }).version);
}
