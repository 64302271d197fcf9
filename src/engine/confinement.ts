// The sandbox of one workspace, as the configuration asks for it (protocol.md section 7).
import { homeFolder } from "../base/baseFolders.js";
import { defined } from "../base/defined.js";
import { userConfigPaths, workspaceFileName } from "../config/paths.js";
import { sandboxUnavailable } from "../config/sandbox.js";
import type { ResolvedConfig } from "../config/types.js";
import { type Confinement, Sandbox } from "../process/sandbox/sandbox.js";
import type { SandboxInfo } from "../protocol/objects/model.js";

/** Decides how the programs of one workspace are confined. */
export class WorkspaceConfinement {
  readonly #sandbox: Sandbox;

  /** @param env the server's environment, with `createWorkspace.env` over it. */
  constructor(
    workspacePath: string,
    dataDirectory: string,
    env: Readonly<Record<string, string | undefined>>,
  ) {
    this.#sandbox = new Sandbox(
      {
        workspacePath,
        workspaceFile: workspaceFileName,
        dataDirectory,
        configuration: userConfigPaths(env),
        ...defined({ home: homeFolder(env) }),
      },
      env.PATH,
    );
  }

  /** The sandbox that this configuration would give. */
  async info({ sandbox }: ResolvedConfig): Promise<SandboxInfo> {
    if (sandbox === undefined) return { requested: "off", enforced: false };
    const reason = await this.#sandbox.whyNot(sandbox);
    return { requested: sandbox.mode, enforced: reason === undefined, ...defined({ reason }) };
  }

  /**
   * How programs are confined; undefined if the configuration does not ask for it.
   * @throws DomainError `SandboxUnavailable` if it asks for something that cannot be enforced.
   */
  async of(config: ResolvedConfig): Promise<Confinement | undefined> {
    if (config.sandbox === undefined) return undefined;
    const info = await this.info(config);
    if (!info.enforced) throw sandboxUnavailable(info);
    return this.#sandbox.confinement(config.sandbox);
  }
}
