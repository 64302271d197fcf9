// The only declaration of a configuration file's shape: validation, types, the JSON Schema for
// editors and the table in docs/configuration.md are made from it. The schema fills in no defaults,
// because two files are merged before defaults are added (see resolve.ts). The `default` beside a
// description is only for the documentation.

import * as z from "zod";
import { lazySchema } from "../protocol/declare.js";
import { processText, variableName } from "../protocol/objects/environment.js";
import { SelectedModel } from "../protocol/objects/model.js";
import { PermissionMode } from "../protocol/objects/workspace.js";
import { cloudFields, misplacedCloudFields } from "./cloudFields.js";
import { contextFiles } from "./contextFiles.js";
import { defaultSummaryModel } from "./defaults.js";
import { engines } from "./engineFields.js";
import { httpUrl } from "./httpUrl.js";
import { limits } from "./limitFields.js";
import { relayEntry } from "./relayFields.js";
import { ruleForm, rulePattern } from "./rules.js";
import { networks, sandboxes } from "./sandbox.js";
import { misplacedSwitches, switchFields } from "./switchFields.js";
import { isWellFormed } from "./variables.js";
import { workerFields } from "./workerFields.js";

/** A provider, a model and a tool server are named in logs and on command lines as `provider/model`. */
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const id = () =>
  z.string().regex(idPattern, "an id is made of letters, digits, `.`, `_` and `-`, no `/`");

const text = (description: string) => z.string().min(1, "must not be empty").describe(description);

/** A text in which `$NAME` and `${NAME}` are replaced by variables of the environment. */
const withVariables = () =>
  processText().refine(
    isWellFormed,
    "a `$` begins a variable's name, with or without braces; write `$$` for the character itself",
  );

const headers = (description: string) =>
  z
    .record(
      z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "is no header name"),
      withVariables().describe("The header's value; `$NAME` is read from the environment."),
    )
    .describe(description);

const modelEntry = () =>
  z.strictObject({
    id: text("The model's id at its provider."),
    name: text("A name for people; the id by default.").exactOptional(),
    contextWindow: z
      .int()
      .positive()
      .exactOptional()
      .describe(
        "Tokens that fit in one call. Without it, a session is summarised only if the provider says that it is too long.",
      ),
    defaultMaxTokens: z
      .int()
      .positive()
      .exactOptional()
      .describe("Tokens of one reply, unless the choice of the model says otherwise."),
    canReason: z
      .boolean()
      .exactOptional()
      .meta({ description: "Whether it can think before it answers.", default: false }),
    supportsImages: z
      .boolean()
      .exactOptional()
      .meta({ description: "Whether it takes images.", default: false }),
    costPerMillionInput: z
      .number()
      .nonnegative()
      .exactOptional()
      .describe("US dollars for a million tokens sent."),
    costPerMillionOutput: z
      .number()
      .nonnegative()
      .exactOptional()
      .describe("US dollars for a million tokens received."),
    costPerMillionCachedInput: z
      .number()
      .nonnegative()
      .exactOptional()
      .describe(
        "US dollars for a million tokens that the provider reads from its cache; as `costPerMillionInput` by default.",
      ),
    costPerMillionCacheWrite: z
      .number()
      .nonnegative()
      .exactOptional()
      .describe(
        "US dollars for a million tokens that the provider writes to its cache; as `costPerMillionInput` by default.",
      ),
    costPerMillionReasoning: z
      .number()
      .nonnegative()
      .exactOptional()
      .describe(
        "US dollars for a million tokens that the model thinks; as `costPerMillionOutput` by default.",
      ),
    ...switchFields(),
  });

const providerEntry = () =>
  z
    .strictObject({
      type: z
        .enum([
          "anthropic",
          "openai",
          "openai-compatible",
          "google",
          "azure",
          "bedrock",
          "vertex",
          "offline",
        ])
        .describe("Which API it speaks. `offline` is the built-in model, which needs no network."),
      baseUrl: httpUrl(
        "The address of the API; the vendor's own by default. `openai-compatible` needs it.",
      ).exactOptional(),
      apiKey: withVariables()
        .refine((value) => value.trim() !== "", "must not be empty")
        .exactOptional()
        .describe(
          "The key. `$NAME` is read from the environment. Without it, and without `baseUrl`, the vendor's usual variable is read.",
        ),
      headers: headers("Sent with every request to the provider.").exactOptional(),
      ...cloudFields(),
      models: z
        .array(modelEntry())
        .exactOptional()
        .describe("Its models; by default those of the built-in catalogue."),
      defaultLargeModel: text("The id of the model for the work itself.").exactOptional(),
      defaultSmallModel: text(
        "The id of the model for titles, and for summaries if `summaryModel` says so.",
      ).exactOptional(),
    })
    .refine((entry) => entry.type !== "openai-compatible" || entry.baseUrl !== undefined, {
      message: "a provider of type `openai-compatible` needs a `baseUrl`",
      path: ["baseUrl"],
    })
    .superRefine((entry, context) => {
      for (const [path, message] of misplacedCloudFields(entry)) {
        context.addIssue({ code: "custom", message, path: [path] });
      }
      for (const [index, model] of (entry.models ?? []).entries()) {
        for (const [field, message] of misplacedSwitches(entry.type, model)) {
          context.addIssue({ code: "custom", message, path: ["models", index, field] });
        }
      }
    });

const mcpServerEntry = () =>
  z
    .strictObject({
      command: processText()
        .min(1, "must not be empty")
        .exactOptional()
        .describe("The program of a server that speaks over stdin and stdout. This or `url`."),
      args: z.array(processText()).exactOptional().describe("The program's arguments."),
      env: z
        .record(
          variableName(),
          withVariables().describe("The variable's value; `$NAME` is read from the environment."),
        )
        .exactOptional()
        .describe("Variables that the program gets in addition to the environment of tools."),
      url: httpUrl(
        "The address of a server that speaks over HTTP. This or `command`.",
      ).exactOptional(),
      headers: headers("Sent with every request to `url`.").exactOptional(),
      readOnly: z
        .union([z.boolean(), z.array(z.string().min(1)).max(1_000)])
        .exactOptional()
        .describe(
          "Which of its tools only read: all of them (`true`), or a list of the server's own names. The mode `plan` offers no other tools of it. Only the user's own file sets it.",
        ),
    })
    .superRefine((entry, context) => {
      const complain = (message: string, ...path: string[]) =>
        context.addIssue({ code: "custom", message, path });
      if ((entry.command === undefined) === (entry.url === undefined)) {
        complain("a tool server has either a `command` or a `url`");
      }
      if (entry.url !== undefined && entry.args) complain("goes with `command`", "args");
      if (entry.url !== undefined && entry.env) complain("goes with `command`", "env");
      if (entry.command !== undefined && entry.headers) complain("goes with `url`", "headers");
    });

const rules = (description: string) =>
  z.array(z.string().regex(rulePattern, ruleForm)).exactOptional().describe(description);

const choice = (description: string) =>
  z.strictObject(SelectedModel().shape).exactOptional().describe(description);

/** A configuration file, the user's or a workspace's (protocol.md section 10). */
export const ConfigFile = lazySchema(() =>
  z
    .strictObject({
      $schema: z.string().exactOptional().describe("For editors. The server does not read it."),
      providers: z
        .record(id(), providerEntry())
        .refine((all) => all.offline === undefined || all.offline.type === "offline", {
          message: "the id `offline` is taken by the embedded model",
          path: ["offline"],
        })
        .exactOptional()
        .describe("The providers of models, by an id of your choice. The first is the default."),
      models: z
        .strictObject({
          large: choice("The model for the work itself."),
          small: choice("The model for titles, and for summaries where `summaryModel` says so."),
        })
        .exactOptional()
        .describe("Which models to use."),
      permissions: z
        .strictObject({
          mode: z
            .enum(PermissionMode().options)
            .exactOptional()
            .describe("The treatment of a tool that no rule covers; `ask` by default."),
          maxMode: z
            .enum(PermissionMode().options)
            .exactOptional()
            .describe(
              "The highest mode that a run may have. The order is `deny`, `plan`, `ask`, `acceptEdits`, `allow`. A request for a higher mode is refused. If a higher mode comes from another place, the run has this one. A workspace's file can only lower it.",
            ),
          allow: rules("What may be done without asking."),
          deny: rules("What may not be done at all; wins over everything."),
          sandbox: z.enum(sandboxes).exactOptional().meta({
            description:
              "Confines commands, background jobs and the programs of tool servers: `read-only` lets them write nothing but a temporary folder, `workspace-write` the workspace too. Where it cannot be enforced, no turn begins.",
            default: "off",
          }),
          network: z.enum(networks).exactOptional().meta({
            description: "Whether what is confined reaches the network.",
            default: "none",
          }),
        })
        .exactOptional()
        .describe("What tools may do."),
      mcpServers: z
        .record(id(), mcpServerEntry())
        .exactOptional()
        .describe("Tool servers, by an id of your choice."),
      autoSummarize: z.boolean().exactOptional().meta({
        description: "Whether a session is summarised when the context window is nearly full.",
        default: true,
      }),
      summaryModel: z.enum(["large", "small"]).exactOptional().meta({
        description:
          "Which of the two models writes summaries. A small one is cheaper; where its window is smaller, a long session is shown to it shortened.",
        default: defaultSummaryModel,
      }),
      contextFiles: contextFiles(),
      limits: limits().exactOptional().describe("The bounds of a run, and of the server."),
      relays: z
        .record(id().max(64), relayEntry(headers))
        .exactOptional()
        .describe(
          "Where every completion is carried, by an id of your choice. Only the user's own file sets it.",
        ),
      worker: workerFields()
        .exactOptional()
        .describe(
          "The work queue from which `turnwire worker` takes prompts. Only the user's own file sets it.",
        ),
      engines: engines(withVariables),
    })
    .meta({ title: "Turnwire configuration", description: "The user's file, or a workspace's." }),
);

/** A configuration file that was checked. */
export type ConfigFile = z.output<ReturnType<typeof ConfigFile>>;
/** A provider as a file gives it. */
export type ProviderEntry = NonNullable<ConfigFile["providers"]>[string];
/** A model as a file gives it. */
export type ModelEntry = NonNullable<ProviderEntry["models"]>[number];
/** A relay as a file gives it. */
export type RelayEntry = NonNullable<ConfigFile["relays"]>[string];
/** A tool server as a file gives it. */
export type McpServerEntry = NonNullable<ConfigFile["mcpServers"]>[string];
