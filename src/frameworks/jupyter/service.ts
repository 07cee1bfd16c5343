import { createHash } from 'node:crypto';
import { bringUp, type Headnode } from '../../headnode/component.js';
import type { FileToPut } from '../../hosts/host.js';
import { keyValues, runScript } from '../../hosts/script.js';
import { provedBy } from '../../reana/proved.js';
import { templateText } from '../../templates.js';
import type { OwnFacts } from '../facts.js';
import type { OnNodes, Service } from '../service.js';
import { shownKeys, type WireKeys, wireKeys } from '../wire/keys.js';
import { nodeFiles, pythonOn, wire, wireFiles } from '../wire/wire.js';
import { installPackages, type Packages, requirementsFile } from '../workers/install.js';
import { managerFiles, startManager } from '../workers/manager.js';
import { withDefaults } from '../workers/options.js';
import { renderedWorkers } from '../workers/render.js';
import {
  askWorkers,
  keepWorkers,
  managerPort,
  putInPool,
  type WorkersPlan,
  workerFiles,
  workersHome,
} from '../workers/workers.js';
import type { JupyterSpec } from './spec.js';
import { markOf, originOf, ownToken, tokenFile, tokenOf } from './token.js';

const NAME = 'jupyter';
const TITLE = 'JupyterLab';
/** Jupyter's own port is 8888; each cluster on a headnode has another one. */
const FIRST_PORT = 38_888;
/** Seconds after which a kernel that nobody uses ends. */
const IDLE = 4 * 3600;
const packages: Packages = {
  ...{ name: NAME, title: TITLE, least: 11, requirements: 'worker/jupyter/requirements.txt' },
};

/** What the door on the headnode is told, beside its port. */
interface Door {
  /** `markOf` the user's token. Secret. */
  readonly token: string;
  readonly name: string;
}

/**
 * JupyterLab on a compute node, as the one worker; and its door, a daemon of the pool's master, which lets in who knows the token. The
 * wire leads from the door to the node.
 */
export const jupyterService: Service<JupyterSpec, OwnFacts> = {
  components: [],
  ownScripts: /^jupyter-/,

  async bringUp(at, spec, before) {
    at.announce(`bring up ${TITLE} on ${at.host.name}`);
    const token = ownToken(at.folder);
    const port = await managerPort(at, NAME, FIRST_PORT);
    const keys = await wireKeys(at, NAME);
    const hasImage = spec.workers.image !== undefined;
    const version = hasImage ? 'image' : (await installPackages(at, packages, 'all')).version;
    const others = await at.others();
    const plan = workersPlan(spec, version, keys, others);
    const python = (await pythonOn(at)) ?? 'python3';
    const door = doorFiles(at.dir, port, keys, python, { token: markOf(token), name: originOf(token) });
    await putInPool(at, [...(await workerFiles(at.dir, plan)), ...door]);
    // no service of the headnode: only the headnode calls
    await bringUp(wire, at, { service: NAME, port: 0, keys });
    await startManager(at, NAME, `${TITLE}'s door`);
    const news = await giveOthers(at, others);
    await keepWorkers(at, plan);
    return { facts: { port }, said: `on a node, reached at port ${port} of ${at.host.name}${before && news}` };
  },

  async status({ port }, at) {
    const { parts = [], ...more } = await askWorkers(at, NAME, port, true);
    const names: Readonly<Record<string, string>> = { manager: 'door', 'worker 1': 'server', workers: 'server' };
    return { ...more, parts: parts.map(part => ({ ...part, name: names[part.name] ?? part.name })) };
  },

  dial: ({ port }, here, dial) => provedBy(markOf(tokenOf(here)), port, dial, TITLE),

  env: (_facts, { folder }, port) => [
    { name: 'JUPYTER_URL', value: `http://127.0.0.1:${port}/` },
    { name: 'JUPYTER_TOKEN', file: tokenFile(folder), what: 'token' },
  ],

  next: ({ port }, { cluster, folder }, isHere) => [
    ...(isHere
      ? [`open http://127.0.0.1:${port}/ in your browser; it asks for the token, which is in`]
      : [
          `scailfin connect ${cluster}`,
          'open the address that it prints in your browser; it asks for the token, which is in',
        ]),
    tokenFile(folder),
    `scailfin status ${cluster}                      shows on which node it runs`,
  ],

  losses: async () => undefined,

  async render(_cluster, dir, spec, others) {
    const keys = shownKeys(NAME);
    const hasImage = spec.workers.image !== undefined;
    const plan = workersPlan(spec, hasImage ? 'image' : '@PYTHON@', keys, others, '@SECRET@');
    const files = [
      ...wireFiles(dir, { service: NAME, port: 0, keys }, '/@PYTHON@'),
      ...(hasImage ? [] : [requirementsFile(packages)]),
      ...doorFiles(dir, FIRST_PORT, keys, '/@PYTHON@', { token: '@TOKEN-HASH@', name: 'jupyter-@NAME@' }, '@SECRET@'),
      ...(await workerFiles(dir, plan)),
    ];
    const scripts = [...(hasImage ? [] : ['workers/install']), ...(others.length > 0 ? ['jupyter-others'] : [])];
    return renderedWorkers(files, scripts, { ...words, ...Object.fromEntries(others.flatMap(wordsOf)) });
  },
};

const words: Readonly<Record<string, string>> = {
  'requirements.txt': 'the packages of JupyterLab',
  'door/door.py': 'lets in who knows the token, and leads to JupyterLab; run by run.sh',
  'door/settings.json': "its settings: a hash of the user's token, and JupyterLab's own token",
  'tree/jupyter/config.py': "JupyterLab's settings, on a node",
  'tree/jupyter/token': "JupyterLab's own token, which only the door uses",
  'tree/worker.sh': 'runs JupyterLab, on a node',
};

/** Below the worker's directory: what it gets for another framework. */
const folderOf = ({ name }: OnNodes): string => `others/${name}`;

const wordsOf = (other: OnNodes): [string, string][] =>
  other.files.map(f => [`tree/${folderOf(other)}/${f.path}`, `by this, notebooks reach ${other.title}`]);

/** Gives the node the packages of other frameworks. @returns what to say about those that the running server does not know */
async function giveOthers({ host, dir }: Headnode, others: readonly OnNodes[]): Promise<string> {
  if (others.length === 0) return '';
  const args = [dir, ...others.flatMap(o => [folderOf(o), o.packages])];
  const out = await runScript(host, templateText('headnode/jupyter-others.sh'), args, { timeoutMs: 60_000 });
  const names = others.filter(o => keyValues(out.stdout).get('new')?.includes(folderOf(o))).map(o => o.title);
  return names.length === 0 ? '' : `; notebooks find ${names.join(' and ')} when it starts again: File, Shut Down`;
}

/** Jupyter's own token, for the door. The node knows it in any case, and so it is made of what the node knows. */
const innerToken = (keys: WireKeys): string =>
  createHash('sha256').update(`jupyter ${keys.services[NAME]}`).digest('hex');

function doorFiles(
  pool: string,
  port: number,
  keys: WireKeys,
  python: string,
  door: Door,
  inner = innerToken(keys),
): FileToPut[] {
  const home = workersHome(pool, NAME);
  const program = templateText('headnode/jupyter/door.py');
  const calls = `${pool}/wire/local/calls`;
  const settings = `${JSON.stringify({ ...door, port, inner, calls, service: NAME, worker: 'server' })}\n`;
  // the door starts again if one of its files has changed
  const sum = createHash('sha256').update(program).update(settings).digest('hex').slice(0, 16);
  return [
    { path: `workers/${NAME}/door/door.py`, content: program, mode: 0o600 },
    { path: `workers/${NAME}/door/settings.json`, content: settings, mode: 0o600 },
    ...managerFiles(pool, NAME, port, [
      ...[`SCAILFIN_SUM=${sum}`, python, '-I', '-B', `${home}/door/door.py`, `${home}/door/settings.json`],
    ]),
  ];
}

function workersPlan(
  spec: JupyterSpec,
  version: string,
  keys: WireKeys,
  others: readonly OnNodes[],
  inner = innerToken(keys),
): WorkersPlan {
  const workers = { ...withDefaults(spec.workers), count: 1, idle: 0 };
  const files = [
    ...nodeFiles({ keys, service: NAME }),
    { path: 'jupyter/config.py', content: templateText('worker/jupyter/config.py'), mode: 0o600 },
    { path: 'jupyter/token', content: `${inner}\n`, mode: 0o600 },
    { path: 'worker.sh', content: templateText('worker/jupyter/worker.sh'), mode: 0o600 },
    ...others.flatMap(other => other.files.map(f => ({ ...f, path: `${folderOf(other)}/${f.path}` }))),
  ];
  const command = `exec bash ./worker.sh ${version} ${IDLE}`;
  return { ...workers, name: NAME, files, command, need: 'listener', notebooks: spec.notebooks ?? '~' };
}
