import { CommandError, ScailfinError } from '../errors.js';
import type { FileToPut, Host } from '../hosts/host.js';
import { keyValues, runScript } from '../hosts/script.js';
import { edgeProgram } from '../reana/bundle.js';
import { render, templateText } from '../templates.js';
import type { Component, Headnode } from './component.js';
import { copyNode, isLikeThis } from './node.js';

/** First port tried for the edge; it is on loopback, so no firewall matters. */
const FIRST_PORT = 30_443;

/** The settings of the edge. */
export interface EdgePlan {
  /** The token that clients of the edge need. Secret. */
  readonly token: string;
  /** Version of scailfin. */
  readonly version: string;
  /** Directory of the pool's programs. */
  readonly condorBin: string;
  /** The headnode can keep workflow engines from the owner's files. */
  readonly isFenced: boolean;
}

/**
 * REANA's API in one process beside the pool. The pool's master runs and restarts it, and whatever ends or removes the
 * pool also ends or removes the edge. `Running` is its port on the headnode's loopback address.
 */
export const edge: Component<EdgePlan, number> = {
  name: 'edge',

  async check(at) {
    const { host } = at;
    const found = await look(at);
    if (nodeOf(at, found) || isLikeThis(found)) return [];
    return [{ what: noNode(found), hint: nodeHint(host) }];
  },

  async install(at) {
    const found = await look(at);
    if (!nodeOf(at, found)) await bringNode(at, found);
    const program = edgeProgram();
    if (found.program === program.digest) return;
    const into = `${edgeDir(at.dir)}/program`;
    const staged = program.files.map(f => ({ path: `${into}/${f.path}`, content: f.content, mode: 0o600 }));
    await at.host.put([...staged, { path: `${into}/digest`, content: `${program.digest}\n`, mode: 0o600 }]);
  },

  async configure(at, plan) {
    const found = await look(at);
    const facts = { cluster: at.cluster, port: found.port, node: nodeOf(at, found) ?? ownNode(at.dir) };
    await at.host.put(edgeFiles(at.dir, { ...plan, ...facts }).map(f => ({ ...f, path: `${at.dir}/${f.path}` })));
  },

  async start({ host, dir }) {
    const script = templateText('headnode/edge-start.sh');
    const out = await runScript(host, script, [dir], { timeoutMs: 60_000 }).catch(error => {
      if (!(error instanceof CommandError) || error.exitStatus !== 9) throw error;
      const said = error.stderr.trim();
      throw new ScailfinError(`REANA's edge does not answer on ${host.name}: ${said}`, {
        ...{ cause: error, hint: 'run the same command again; the message above is the end of its log' },
      });
    });
    return Number(keyValues(out.stdout).get('port')?.[0]);
  },

  async healthy({ host, dir }) {
    // the process that listens there must be this user's (proc_pid_net(5)), and must answer: one that hangs still accepts
    // connections
    const uid = `awk -v port=":$(printf '%04X' "$p")$" '$4 == "0A" && $2 ~ port { print $8; exit }' /proc/net/tcp`;
    const asks = `p=$(cat "$1/edge/port") && [ "$(${uid})" = "$(id -u)" ] || { echo "no process of this user listens on port $p" >&2; exit 1; }
      exec 3<>"/dev/tcp/127.0.0.1/$p" && printf 'GET /api/ping HTTP/1.0\\r\\n\\r\\n' >&3 &&
      { read -r -t 10 line <&3 || { echo 'it does not answer' >&2; exit 1; }; }`;
    const out = await runScript(host, asks, [dir], { check: false });
    const reason = out.stderr.trim().split('\n').at(-1) ?? '';
    return [out.exitCode === 0 ? { name: 'edge', state: 'alive' } : { name: 'edge', state: 'dead', reason }];
  },

  async stop({ host, dir }) {
    await runScript(host, templateText('headnode/edge-stop.sh'), [dir]);
  },

  // all of its files are below the cluster's directory
  async remove() {},
};

/** The directory of the edge's files, below the pool's. */
export const edgeDir = (pool: string): string => `${pool}/edge`;
const ownNode = (pool: string): string => `${edgeDir(pool)}/node`;

/**
 * The files with which the pool's master runs the edge, in addition to its program; paths are below the pool's directory.
 * Secret.
 */
export function edgeFiles(
  pool: string,
  facts: EdgePlan & { cluster: string; port: number; node: string },
): FileToPut[] {
  const { cluster, port, token, version, condorBin, isFenced, node } = facts;
  const settings = { cluster, port, token, version, condorBin, condorConfig: `${pool}/condor_config` };
  const fence = isFenced ? { fence: `${pool}/fence` } : {};
  const edge = edgeDir(pool);
  return [
    { path: 'edge/settings.json', content: `${JSON.stringify({ ...settings, ...fence })}\n`, mode: 0o600 },
    { path: 'edge/port', content: `${port}\n`, mode: 0o600 },
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

async function look({ host, dir }: Headnode): Promise<Found> {
  const out = await runScript(host, templateText('headnode/edge-look.sh'), [dir, String(FIRST_PORT)]);
  const values = keyValues(out.stdout);
  const one = (key: string): string | undefined => values.get(key)?.[0] || undefined;
  return {
    ...{ system: one('system') ?? '', arch: one('arch') ?? '', glibc: one('glibc') ?? '' },
    ...{ node: one('node'), program: one('program'), port: Number(one('port')) },
  };
}

/** The Node.js on the headnode to use: the one of this process, or one that was found. */
const nodeOf = ({ host }: Headnode, found: Found): string | undefined =>
  host.address === 'local' ? process.execPath : found.node;

/** Copies this machine's Node.js to the headnode. */
async function bringNode({ host, dir, onProgress }: Headnode, found: Found): Promise<void> {
  const said = await copyNode(host, ownNode(dir), onProgress);
  if (said === undefined) return;
  throw new ScailfinError(`${host.name}: ${noNode(found)}: ${said}`, { hint: nodeHint(host) });
}

function noNode({ system, arch, glibc }: Found): string {
  const there = `${system} ${arch}${glibc ? ` with C library ${glibc}` : ''}`;
  return `the edge needs Node.js 20.19 or newer, and this machine's Node.js does not run there (${there})`;
}

const nodeHint = (host: Host): string =>
  `install Node.js there (https://nodejs.org/download, without root), so that \`ssh ${host.address} node --version\` answers`;
