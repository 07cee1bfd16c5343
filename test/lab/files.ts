import type { ExecOptions, Host } from './host.js';

export interface FileOptions {
  /** Who writes it and owns it then; default: the host's own user. */
  readonly user?: string;
  /** Default 0o644. */
  readonly mode?: number;
}

/** Writes a file as its owner would: a relative path is in the home, missing directories are made. */
export async function writeFile(host: Host, path: string, content: string | Buffer, options: FileOptions = {}) {
  const script =
    'mkdir -p -- "$(dirname -- "$1")" && umask 077 && cat > "$1.new~" && chmod "$2" "$1.new~" && mv -- "$1.new~" "$1"';
  const mode = (options.mode ?? 0o644).toString(8);
  await host.exec(['sh', '-c', script, 'sh', path, mode], { ...as(options), stdin: content });
}

export async function readFile(host: Host, path: string, options: { readonly user?: string } = {}): Promise<string> {
  return (await host.exec(['cat', '--', path], as(options))).stdout;
}

const as = (options: { readonly user?: string }): ExecOptions => (options.user ? { user: options.user } : {});
