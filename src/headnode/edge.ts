import { CommandError, ScailfinError } from '../errors.js';
import type { FileToPut } from '../hosts/host.js';
import { keyValues, runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';
import type { Component, Headnode } from './component.js';
import { type FoundNode, foundNode, missingNode, nodeToUse, placeProgram, programFiles } from './node.js';

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
  /** Servers from which workflows may be launched although they are not public: `HOST` or `HOST:PORT`. */
  readonly launchHosts?: readonly string[] | undefined;
  /** Of interactive sessions: seconds without use, and the image of those that name none. */
  readonly sessions?: { readonly idle?: number; readonly image?: string } | undefined;
}

/**
 * REANA's API in one process beside the pool. The pool's master runs and restarts it, and whatever ends or removes the
 * pool also ends or removes the edge. `Running` is its port on the headnode's loopback address.
 */
export const edge: Component<EdgePlan, number> = {
  name: 'edge',

  async check(at) {
    return missingNode(at, await look(at), 'the edge');
  },

  async install(at) {
    await placeProgram(at, await look(at), 'edge', 'the edge');
  },

  async configure(at, plan) {
    const found = await look(at);
    const facts = { cluster: at.cluster, port: found.port, node: nodeToUse(at, found) };
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
    await runScript(host, templateText('headnode/program-stop.sh'), [dir, 'edge', "REANA's edge"]);
  },

  // all of its files are below the cluster's directory
  async remove() {},
};

/** The directory of the edge's files, below the pool's. */
export const edgeDir = (pool: string): string => `${pool}/edge`;

/**
 * The files with which the pool's master runs the edge, in addition to its program; paths are below the pool's directory.
 * Secret.
 */
export function edgeFiles(
  pool: string,
  facts: EdgePlan & { cluster: string; port: number; node: string },
): FileToPut[] {
  const { cluster, port, token, version, condorBin, isFenced, launchHosts, sessions, node } = facts;
  const about = { cluster, port, token, version, condorBin, condorConfig: `${pool}/condor_config` };
  const settings = { ...about, launchHosts, sessions };
  const fence = isFenced ? { fence: `${pool}/fence` } : {};
  return [
    { path: 'edge/settings.json', content: `${JSON.stringify({ ...settings, ...fence })}\n`, mode: 0o600 },
    { path: 'edge/port', content: `${port}\n`, mode: 0o600 },
    ...programFiles(pool, 'edge', "REANA's edge", node),
  ];
}

interface Found extends FoundNode {
  readonly port: number;
}

async function look({ host, dir }: Headnode): Promise<Found> {
  const script = ['node-look', 'edge-look'].map(name => templateText(`headnode/${name}.sh`)).join('\n');
  const values = keyValues((await runScript(host, script, [dir, String(FIRST_PORT)])).stdout);
  return { ...foundNode(values), port: Number(values.get('port')?.[0]) };
}
