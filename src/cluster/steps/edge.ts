import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import writeFileAtomic from 'write-file-atomic';
import { CommandError, ScailfinError } from '../../errors.js';
import type { FileToPut } from '../../hosts/host.js';
import { keyValues, runScript } from '../../hosts/script.js';
import { packageVersion } from '../../paths.js';
import { edgeProgram } from '../../reana/bundle.js';
import { render, templateText } from '../../templates.js';
import { type Context, recordOf } from '../context.js';
import type { Head } from './connect.js';
import type { RunningPool } from './headnode.js';

/** First port tried for the edge; on loopback, so that nobody else's firewall matters. */
const FIRST_PORT = 30_443;

/** Where the edge's files are, below the pool's: what ends and removes the pool does the same for it. */
export const edgeDir = (pool: string): string => `${pool}/edge`;

/** The token's place on this machine. Secret. */
export const tokenFile = (journalDir: string): string => join(journalDir, 'reana.token');

/** The token by which one talks to the cluster's edge, made at first use. */
export function edgeToken(journalDir: string): string {
  const file = tokenFile(journalDir);
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const token = randomBytes(24).toString('base64url');
  writeFileAtomic.sync(file, `${token}\n`, { mode: 0o600 });
  return token;
}

/**
 * Brings the edge up on the headnode: stages program and runtime where they are missing, and has the pool's master run it.
 * @returns its port on the headnode's loopback address
 * @throws ScailfinError when there is no runtime for it there, or it does not answer, with its own words
 */
export async function bringUpEdge(context: Context, { host }: Head, pool: RunningPool): Promise<number> {
  const { name } = recordOf(context);
  const { dir } = pool.plan;
  const found = await look(host, dir);
  const edge = edgeDir(dir);
  const program = edgeProgram();
  const node = await runtime(host, edge, found, context);
  const facts = { cluster: name, port: found.port, token: edgeToken(context.journal.dir), bin: pool.bin, node };
  const files = edgeFiles(dir, facts).map(f => ({ ...f, path: `${dir}/${f.path}` }));
  if (found.program !== program.digest) {
    const staged = program.files.map(f => ({ path: `${edge}/program/${f.path}`, content: f.content, mode: 0o600 }));
    const digest = { path: `${edge}/program/digest`, content: `${program.digest}\n`, mode: 0o600 };
    await host.put([...staged, digest, ...files]);
  } else await host.put(files);
  const args = [dir, String(found.port)];
  await runScript(host, templateText('headnode/edge-start.sh'), args, { timeoutMs: 60_000 }).catch(error => {
    if (!(error instanceof CommandError) || error.exitStatus !== 9) throw error;
    throw new ScailfinError(`REANA's edge does not answer on ${host.name}: ${error.stderr.trim()}`, { cause: error });
  });
  context.journal.append({ type: 'edge', port: found.port });
  return found.port;
}

/** What the edge is told. */
export interface EdgeFacts {
  readonly cluster: string;
  readonly port: number;
  /** Secret. */
  readonly token: string;
  /** Absolute on the headnode: HTCondor's commands, and Node.js. */
  readonly bin: string;
  readonly node: string;
}

/** By what the pool's master runs the edge, beside its program; paths below the pool's directory. Secret. */
export function edgeFiles(pool: string, { cluster, port, token, bin, node }: EdgeFacts): FileToPut[] {
  const settings = {
    ...{ cluster, port, token, version: packageVersion() },
    ...{ condorBin: bin, condorConfig: `${pool}/condor_config` },
  };
  const edge = edgeDir(pool);
  return [
    { path: 'edge/settings.json', content: `${JSON.stringify(settings)}\n`, mode: 0o600 },
    { path: 'edge/run.sh', content: render('headnode/edge-run', { edge, node }), mode: 0o700 },
    { path: 'edge.config', content: render('headnode/edge.config', { edge }), mode: 0o600 },
  ];
}

interface Found {
  readonly system: string;
  readonly arch: string;
  readonly glibc: string;
  readonly node: string | undefined;
  readonly program: string | undefined;
  readonly port: number;
}

async function look(host: Head['host'], dir: string): Promise<Found> {
  const out = await runScript(host, templateText('headnode/edge-look.sh'), [dir, String(FIRST_PORT)]);
  const values = keyValues(out.stdout);
  const one = (key: string): string | undefined => values.get(key)?.[0] || undefined;
  return {
    ...{ system: one('system') ?? '', arch: one('arch') ?? '', glibc: one('glibc') ?? '' },
    ...{ node: one('node'), program: one('program'), port: Number(one('port')) },
  };
}

/** uname(1)'s words for Node's. */
const systems: Readonly<Record<string, string>> = { linux: 'Linux', darwin: 'Darwin' };
const machines: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** A Node.js on the headnode: this very one, one that is there, or this machine's, copied there. */
async function runtime(host: Head['host'], edge: string, found: Found, { sink }: Context): Promise<string> {
  if (host.address === 'local') return process.execPath;
  if (found.node) return found.node;
  if (systems[process.platform] !== found.system || machines[process.arch] !== found.arch) throw noRuntime(host, found);
  const node = `${edge}/node`;
  const scratch = mkdtempSync(join(tmpdir(), 'scailfin-node-'));
  try {
    const packed = join(scratch, 'node.gz');
    await pipeline(
      createReadStream(process.execPath),
      createGzip({ level: constants.Z_BEST_SPEED }),
      createWriteStream(packed, { mode: 0o600 }),
    );
    const onBytes = (sent: number, total: number): void =>
      sink({ type: 'progress', detail: `Node.js ${Math.round((100 * sent) / total)} %` });
    await host.upload(packed, `${node}.gz`, { onBytes });
  } finally {
    rmSync(scratch, { recursive: true });
  }
  const unpack =
    'gzip -dc "$1.gz" >"$1.new" && chmod 700 "$1.new" && "$1.new" --version && mv "$1.new" "$1"; s=$?; rm -f "$1.gz" "$1.new"; exit $s';
  const out = await host.run(['sh', '-c', unpack, 'unpack', node], { check: false });
  if (out.exitCode !== 0) throw noRuntime(host, found, out.stderr.trim().split('\n')[0]);
  return node;
}

function noRuntime(host: Head['host'], { system, arch, glibc }: Found, said?: string): ScailfinError {
  const there = `${system} ${arch}${glibc ? ` with C library ${glibc}` : ''}`;
  return new ScailfinError(
    `${host.name} (${there}) has no Node.js 20.19 or newer for the edge, and this machine's does not run there${said ? `: ${said}` : ''}`,
    {
      hint: `install Node.js there (https://nodejs.org/download, no root needed), so that \`ssh ${host.address} node --version\` answers`,
    },
  );
}
