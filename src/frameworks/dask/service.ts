import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { bringUp } from '../../headnode/component.js';
import type { FileToPut } from '../../hosts/host.js';
import { render, templateText } from '../../templates.js';
import type { OwnFacts } from '../facts.js';
import type { Service } from '../service.js';
import { newKeys, shownKeys, wireKeys } from '../wire/keys.js';
import { nodeFiles, wire, wireFiles } from '../wire/wire.js';
import { installPackages, type Packages, requirementsFile } from '../workers/install.js';
import { managerFiles, startManager } from '../workers/manager.js';
import { manyWorkers, type Workers, withDefaults } from '../workers/options.js';
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
import { type DaskSpec, secretFiles } from './spec.js';

const NAME = 'dask';
/** Dask's own port is 8786; each cluster on a headnode has another one. */
const FIRST_PORT = 38_786;
const packages: Packages = { name: NAME, title: 'Dask', least: 10, requirements: 'worker/dask/requirements.txt' };

/** Proves scheduler, workers and clients to each other. */
interface Identity {
  readonly certificate: string;
  readonly key: string;
}

/**
 * The scheduler, a daemon of the pool's master, and the workers. All of them, and clients, have one key and its certificate: who has it
 * may do everything here, and nobody else gets further than TLS.
 */
export const daskService: Service<DaskSpec, OwnFacts> = {
  components: [],
  ownScripts: /^dask-/,

  async bringUp(at, spec) {
    const workers = withDefaults(spec.workers);
    at.announce(`bring up Dask on ${at.host.name}`);
    const identity = ownIdentity(at.folder);
    const port = await managerPort(at, NAME, FIRST_PORT);
    const keys = await wireKeys(at, NAME);
    const { base } = await installPackages(at, packages, workers.image === undefined ? 'nodes' : 'image');
    const plan = workersPlan(workers, [...nodeFiles({ keys, service: NAME }), ...daskFiles(identity)]);
    await putInPool(at, [
      ...(await workerFiles(at.dir, plan)),
      ...headFiles(at.dir, port, at.pool.unfenced === undefined ? base : undefined),
    ]);
    // the master may start the scheduler as soon as it reads its configuration again
    await bringUp(wire, at, { service: NAME, port, keys });
    await startManager(at, NAME, "Dask's scheduler");
    await keepWorkers(at, plan);
    return { facts: { port }, said: `${manyWorkers(workers.count)}, scheduler on port ${port} of ${at.host.name}` };
  },

  async onNodes(dir, at) {
    const [keys, identity] = at
      ? [await wireKeys(at, NAME), ownIdentity(at.folder)]
      : [shownKeys(NAME), shownKeys(NAME)];
    const files = [
      ...nodeFiles({ keys, service: NAME }),
      { path: 'cert.pem', content: identity.certificate, mode: 0o600 },
      { path: 'key.pem', content: identity.key, mode: 0o600 },
      { path: 'run.sh', content: templateText('worker/dask/client.sh'), mode: 0o600 },
    ];
    return { files, packages: `${workersHome(dir, NAME)}/tree/site.tar.gz` };
  },

  status: ({ port }, at) => askWorkers(at, NAME, port, true),

  // clients check the scheduler's certificate themselves
  dial: (_facts, _here, dial) => dial,

  env: (_facts, { folder }, port) => [
    { name: 'DASK_SCHEDULER_ADDRESS', value: `tls://127.0.0.1:${port}` },
    ...tlsVariables(...(secretFiles.map(name => join(folder, name)) as [string, string])),
  ],

  next: (_facts, { cluster }) => [
    `eval "$(scailfin env ${cluster})" && python3 -c 'from distributed import Client; print(Client())'`,
    'the variables tell Dask where the scheduler is, and which key proves you to it',
    `scailfin status ${cluster}                      shows the workers`,
  ],

  losses: async () => undefined,

  async render(_cluster, dir, spec) {
    const workers = withDefaults(spec.workers);
    const keys = shownKeys(NAME);
    const plan = workersPlan(workers, [...nodeFiles({ keys, service: NAME }), ...daskFiles(keys)]);
    const files = [
      ...wireFiles(dir, { service: NAME, port: FIRST_PORT, keys }, '/@PYTHON@'),
      requirementsFile(packages),
      ...headFiles(dir, FIRST_PORT, '/@PYTHON@'),
      ...(await workerFiles(dir, plan)),
    ];
    return renderedWorkers(files, ['workers/install'], words);
  },
};

const words: Readonly<Record<string, string>> = {
  'requirements.txt': 'the packages of the scheduler and of the workers',
  'tree/dask/scailfin_dask.py': 'the scheduler on the headnode, and a worker on a node',
  'tree/dask/cert.pem': 'the certificate by which scheduler, workers and clients know each other',
  'tree/dask/key.pem': 'the key of that certificate',
};

/** The variables by which Dask finds the certificate and the key of a client. */
const tlsVariables = (certificate: string, key: string) => [
  { name: 'DASK_DISTRIBUTED__COMM__TLS__CA_FILE', value: certificate },
  { name: 'DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT', value: certificate },
  { name: 'DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY', value: key },
  { name: 'DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION', value: 'True' },
];

/**
 * A worker, or who took one over, could have the scheduler run programs: it is behind the fence, and sees nothing of the owner's but
 * its own files. @param base where its Python is; undefined if there is no fence
 */
function headFiles(pool: string, port: number, base: string | undefined): FileToPut[] {
  const home = workersHome(pool, NAME);
  const calls = `${pool}/wire/local`;
  const [run, seen] = [`${home}/run`, [`${home}/venv`, `${home}/tree/dask`, calls]];
  const fence = base === undefined ? [] : ['/bin/sh', `${pool}/fence/engine.sh`, run, run, ...seen, base, '--'];
  const command = [
    ...[`SCAILFIN_CALLS=unix:${calls}/calls`, `TMPDIR=${run}`, ...fence, `${home}/venv/bin/python`, '-I', '-B'],
    ...[`${home}/tree/dask/scailfin_dask.py`, 'scheduler', String(port)],
  ];
  const variables = [
    { name: 'DASK_SCHEDULER_ADDRESS', value: `tls://127.0.0.1:${port}` },
    ...tlsVariables(`${home}/tree/dask/cert.pem`, `${home}/tree/dask/key.pem`),
  ];
  return [
    ...managerFiles(pool, NAME, port, command),
    {
      path: `env/${NAME}.env`,
      content: render('headnode/dask.env', { variables, bin: `${home}/venv/bin` }),
      mode: 0o600,
    },
  ];
}

const daskFiles = ({ certificate, key }: Identity): FileToPut[] => [
  { path: 'dask/scailfin_dask.py', content: templateText('worker/dask/scailfin_dask.py'), mode: 0o600 },
  { path: 'dask/cert.pem', content: certificate, mode: 0o600 },
  { path: 'dask/key.pem', content: key, mode: 0o600 },
  { path: 'worker.sh', content: templateText('worker/dask/worker.sh'), mode: 0o600 },
];

function workersPlan(workers: Workers, files: readonly FileToPut[]): WorkersPlan {
  const { cores, memory, image } = workers;
  const [, version = ''] = /^distributed==(\S+)/m.exec(templateText(packages.requirements)) ?? [];
  const own = image === undefined ? '' : ` ${version}`;
  return { ...workers, name: NAME, files, need: 'file', command: `exec bash ./worker.sh ${cores} ${memory}${own}` };
}

/** The key of the cluster's Dask on this machine, which is made at the first use. */
function ownIdentity(folder: string): Identity {
  const [certificate, key] = secretFiles.map(name => join(folder, name)) as [string, string];
  if (!existsSync(certificate) || !existsSync(key)) {
    const made = newKeys();
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileAtomic.sync(key, made.key, { mode: 0o600 });
    writeFileAtomic.sync(certificate, made.certificate, { mode: 0o600 });
  }
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
}
