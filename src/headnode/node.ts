import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { type Program, programFor } from '../bundle.js';
import { ScailfinError } from '../errors.js';
import type { FileToPut, Host } from '../hosts/host.js';
import { keyValues, runScript } from '../hosts/script.js';
import { scratchDir } from '../scratch.js';
import { render, templateText } from '../templates.js';
import type { Headnode, Missing } from './component.js';

/** uname(1)'s names for Node's platforms. */
const systems: Readonly<Record<string, string>> = { linux: 'Linux', darwin: 'Darwin' };
const machines: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** What a headnode has to run one of our programs. */
export interface FoundNode {
  readonly system: string;
  readonly arch: string;
  readonly glibc: string;
  /** A Node.js that is new enough. */
  readonly node: string | undefined;
  /** The digest of the program that is staged. */
  readonly program: string | undefined;
}

/** The scripts of `templates/headnode` by which programs of ours are placed and ended. */
export const programScripts: readonly string[] = ['node-look', 'program-stop'];

/** Reads the answer of node_look. */
export function foundNode(values: Map<string, string[]>): FoundNode {
  const one = (key: string): string | undefined => values.get(key)?.[0] || undefined;
  return {
    ...{ system: one('system') ?? '', arch: one('arch') ?? '', glibc: one('glibc') ?? '' },
    ...{ node: one('node'), program: one('program') },
  };
}

/** Asks what the headnode has to run the program `name`. */
export async function lookForNode({ host, dir }: Headnode, name: string): Promise<FoundNode> {
  const script = `${templateText('headnode/node-look.sh')}\nnode_look "$1" "$2"\n`;
  return foundNode(keyValues((await runScript(host, script, [dir, name])).stdout));
}

/** What is missing to run a program, for a component's check. @param who for messages: `the edge` */
export function missingNode(at: Headnode, found: FoundNode, who: string): Missing[] {
  if (nodeOf(at, found) || isLikeThis(found)) return [];
  return [{ what: noNode(found, who), hint: nodeHint(at.host) }];
}

/** Puts the program `name` on the headnode, with a Node.js if it needs one, unless both are there. */
export async function placeProgram(at: Headnode, found: FoundNode, name: string, who: string): Promise<void> {
  if (!nodeOf(at, found)) await bringNode(at, found, who);
  const program: Program = programFor(name);
  if (found.program === program.digest) return;
  const into = `${at.dir}/${name}/program`;
  const staged = program.files.map(f => ({ path: `${into}/${f.path}`, content: f.content, mode: 0o600 }));
  await at.host.put([...staged, { path: `${into}/digest`, content: `${program.digest}\n`, mode: 0o600 }]);
}

/**
 * The files with which the pool's master runs the program `name`; paths are below the pool's directory.
 * @param what for the configuration's comment: `The edge`
 */
export const programFiles = (pool: string, name: string, what: string, node: string): FileToPut[] => [
  { path: `${name}/run.sh`, content: render('headnode/program-run', { dir: pool, name, node }), mode: 0o700 },
  { path: `${name}.config`, content: render('headnode/program.config', { dir: pool, name, what }), mode: 0o600 },
];

/** The Node.js on the headnode to use: the one of this process, or one that was found, or will be copied. */
export const nodeToUse = (at: Headnode, found: FoundNode): string => nodeOf(at, found) ?? ownNode(at.dir);

const nodeOf = ({ host }: Headnode, found: FoundNode): string | undefined =>
  host.address === 'local' ? process.execPath : found.node;

const ownNode = (pool: string): string => `${pool}/node`;

/** Copies this machine's Node.js to the headnode. */
async function bringNode({ host, dir, onProgress }: Headnode, found: FoundNode, who: string): Promise<void> {
  const said = await copyNode(host, ownNode(dir), onProgress);
  if (said === undefined) return;
  throw new ScailfinError(`${host.name}: ${noNode(found, who)}: ${said}`, { hint: nodeHint(host) });
}

function noNode({ system, arch, glibc }: FoundNode, who: string): string {
  const there = `${system} ${arch}${glibc ? ` with C library ${glibc}` : ''}`;
  return `${who} needs Node.js 20.19 or newer, and this machine's Node.js does not run there (${there})`;
}

const nodeHint = (host: Host): string =>
  `install Node.js there (https://nodejs.org/download, without root), so that \`ssh ${host.address} node --version\` answers`;

/** Whether this machine's Node.js may run on the host. @param there its output of uname(1) */
function isLikeThis(there: { readonly system: string; readonly arch: string }): boolean {
  return systems[process.platform] === there.system && machines[process.arch] === there.arch;
}

/**
 * Copies this process's Node.js to `path` of a host.
 * @returns why it does not run there; undefined if it does
 */
async function copyNode(host: Host, path: string, onProgress: (detail: string) => void): Promise<string | undefined> {
  const scratch = scratchDir();
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
