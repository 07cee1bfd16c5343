import os from 'node:os';

/** Which configuration counts, beside what the user asked for. */
export interface ConfigSource {
  /** To be read instead of ~/.ssh/config and /etc/ssh/ssh_config; `none` reads nothing, as `ssh -F none`. */
  readonly configFile?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Takes precedence over the configuration files. */
  readonly auth?:
    | {
        identityFiles?: readonly string[] | undefined;
        identitiesOnly?: boolean | undefined;
        renewal?: string | undefined;
      }
    | undefined;
  /** Milliseconds that the system's ssh may take to say what the configuration means. */
  readonly patienceMs?: number | undefined;
}

/** The home directory that `~` means here; HOME takes precedence, so that tests and containers can move it. */
export function homeOf(env: NodeJS.ProcessEnv): string {
  return env.HOME || os.homedir();
}

/** ssh takes ~ from the account, not from HOME: if HOME differs, ssh must be told. */
export function isMoved({ env = process.env }: ConfigSource): boolean {
  return homeOf(env) !== account()?.homedir;
}

/** The name of this process's account; containers may run as a user without one. */
export function localUser(): string {
  return account()?.username ?? process.env.USER ?? 'root';
}

function account(): os.UserInfo<string> | undefined {
  try {
    return os.userInfo();
  } catch {
    return undefined;
  }
}

/** What a configuration says about one host. */
export interface Lookup {
  /** The program that was asked (`ssh`, `gsissh`), or why none was. */
  readonly by: { readonly program: string } | { readonly none: string };
  /** The host to connect to: HostName with its tokens filled in, or the name that was asked for. */
  readonly host: string;
  /** The values of a keyword, in lower case; empty if nothing sets it, or only to its default. */
  all(keyword: string): readonly string[];
  /** The paths that a keyword lists. */
  paths(keyword: string): readonly string[];
}
