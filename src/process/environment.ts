// The environment of tools and tool servers: the server's own, without keys (protocol.md section 7).
import { withoutStarter } from "./startersVariables.js";

/** The variables from which the libraries of the usual providers read keys. */
const providerKeys: ReadonlySet<string> = new Set([
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_AUTH_TOKEN",
  "OPENAI_API_KEY",
  "OPENAI_ADMIN_KEY",
  "AZURE_API_KEY",
  "AZURE_OPENAI_API_KEY",
  "GEMINI_API_KEY",
  "GOOGLE_API_KEY",
  "GOOGLE_GENERATIVE_AI_API_KEY",
  "GOOGLE_VERTEX_API_KEY",
  "AWS_BEARER_TOKEN_BEDROCK",
  "MISTRAL_API_KEY",
  "GROQ_API_KEY",
  "XAI_API_KEY",
  "DEEPSEEK_API_KEY",
  "OPENROUTER_API_KEY",
  "TOGETHER_API_KEY",
  "TOGETHER_AI_API_KEY",
  "FIREWORKS_API_KEY",
  "CEREBRAS_API_KEY",
  "COHERE_API_KEY",
  "PERPLEXITY_API_KEY",
  "DEEPINFRA_API_KEY",
  "MOONSHOT_API_KEY",
  "DASHSCOPE_API_KEY",
  "ZAI_API_KEY",
  "ZHIPU_API_KEY",
  "MINIMAX_API_KEY",
  "NVIDIA_API_KEY",
  "HF_TOKEN",
  "HUGGINGFACE_API_KEY",
  "REPLICATE_API_TOKEN",
  "AI_GATEWAY_API_KEY",
]);

/** The variables with what an exporter of OpenTelemetry shows to a collector: keys, as a rule. */
const exporterHeaders = /^OTEL_EXPORTER_OTLP_(TRACES_|METRICS_|LOGS_|PROFILES_)?HEADERS$/;

/** The server's own variables. */
const internalPrefix = "TURNWIRE_";

/** With these, programs do not wait for a person. */
const nonInteractive: Readonly<Record<string, string>> = {
  GIT_TERMINAL_PROMPT: "0",
  GIT_EDITOR: "true",
  GIT_PAGER: "cat",
  PAGER: "cat",
  MANPAGER: "cat",
  EDITOR: "true",
  VISUAL: "true",
  DEBIAN_FRONTEND: "noninteractive",
  TERM: "dumb",
  NO_COLOR: "1",
};

/**
 * The environment for children. It is `base` without keys (those that the configuration names, and
 * the usual ones of providers), without the server's own variables, and without those that belong
 * to the program that started the server. It has values with which no program waits for a person.
 * Every variable of `workspaceEnv` is set, also one that would be left out otherwise.
 */
export function toolEnvironment(
  base: Readonly<Record<string, string | undefined>>,
  secretVariables: readonly string[],
  workspaceEnv: Readonly<Record<string, string>>,
): Record<string, string> {
  // Windows does not tell `Path` from `PATH`.
  const key = (name: string) => (process.platform === "win32" ? name.toUpperCase() : name);
  const secret = new Set([...providerKeys, ...secretVariables].map(key));
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value === undefined || secret.has(key(name))) continue;
    if (key(name).startsWith(internalPrefix) || exporterHeaders.test(key(name))) continue;
    const kept = withoutStarter(name, value, base, key);
    if (kept !== undefined) environment[name] = kept;
  }
  return { ...environment, ...nonInteractive, ...workspaceEnv };
}
