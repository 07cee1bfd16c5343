import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import type { Host } from '../hosts/host.js';

/** uname(1)'s names for Node's platforms. */
const systems: Readonly<Record<string, string>> = { linux: 'Linux', darwin: 'Darwin' };
const machines: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** Whether this machine's Node.js may run on the host. @param there its output of uname(1) */
export function isLikeThis(there: { readonly system: string; readonly arch: string }): boolean {
  return systems[process.platform] === there.system && machines[process.arch] === there.arch;
}

/**
 * Copies this process's Node.js to `path` of a host.
 * @returns why it does not run there; undefined if it does
 */
export async function copyNode(
  host: Host,
  path: string,
  onProgress: (detail: string) => void,
): Promise<string | undefined> {
  const scratch = mkdtempSync(join(tmpdir(), 'scailfin-node-'));
  try {
    const packed = join(scratch, 'node.gz');
    await pipeline(
      createReadStream(process.execPath),
      createGzip({ level: constants.Z_BEST_SPEED }),
      createWriteStream(packed, { mode: 0o600 }),
    );
    const onBytes = (sent: number, total: number): void => onProgress(`Node.js ${Math.round((100 * sent) / total)} %`);
    await host.upload(packed, `${path}.gz`, { onBytes });
  } finally {
    rmSync(scratch, { recursive: true });
  }
  const unpack =
    'gzip -dc "$1.gz" >"$1.new" && chmod 700 "$1.new" && "$1.new" --version && mv "$1.new" "$1"; s=$?; rm -f "$1.gz" "$1.new"; exit $s';
  const out = await host.run(['sh', '-c', unpack, 'unpack', path], { check: false });
  return out.exitCode === 0 ? undefined : (out.stderr.trim().split('\n')[0] ?? '');
}
