import { UsageError } from '../../errors.js';
import { bringUp } from '../../headnode/component.js';
import type { FileToPut } from '../../hosts/host.js';
import { render, templateText } from '../../templates.js';
import type { Service } from '../service.js';
import { shownKeys, wireKeys } from '../wire/keys.js';
import { nodeFiles, wire, wireFiles } from '../wire/wire.js';
import { installPackages, type Packages, requirementsFile } from '../workers/install.js';
import { type Workers, withDefaults } from '../workers/options.js';
import { renderedWorkers } from '../workers/render.js';
import { askWorkersOnly, putInPool, type WorkersPlan, workerFiles, workersHome } from '../workers/workers.js';
import type { ParslFacts, ParslSpec } from './spec.js';

const NAME = 'parsl';
const REQUIREMENTS = 'worker/parsl/requirements.txt';
const packages: Packages = { name: NAME, title: 'Parsl', least: 10, requirements: REQUIREMENTS };

/**
 * Parsl's packages, its configuration and the wire. A program of the user's on the headnode is the rest: it submits blocks of workers
 * as jobs of the pool when it needs them, and makes a service of the wire for them, with a port and a key of its own.
 */
export const parslService: Service<ParslSpec, ParslFacts> = {
  components: [],
  ownScripts: /^parsl-/,
  isForListeners: true,

  async bringUp(at, spec) {
    const workers = withDefaults(spec.workers);
    at.announce(`bring up Parsl on ${at.host.name}`);
    const keys = await wireKeys(at, NAME);
    await installPackages(at, packages, workers.image === undefined ? 'nodes' : 'image');
    await putInPool(at, [...(await blockFiles(at.dir, workers, keys)), ...headFiles(at.dir, at.cluster, workers)]);
    await bringUp(wire, at, { service: NAME, port: 0, keys });
    const many = `at most ${workers.count} block${workers.count === 1 ? '' : 's'} of workers`;
    return {
      facts: { port: 0, home: workersHome(at.dir, NAME) },
      said: `${many}, which your programs on ${at.host.name} ask for`,
    };
  },

  status: (_facts, at) => askWorkersOnly(at, NAME),

  dial: (_facts, { cluster }) => {
    throw new UsageError(`there is nothing to connect to: Parsl programs of ${cluster} run on its headnode`, {
      hint: `scailfin exec ${cluster} -- python3 PROGRAM.py`,
    });
  },

  env: () => [],

  configuration: ({ home }, { cluster }) => configuration(cluster, home),

  next: (_facts, { cluster }, isHere) => [
    ...(isHere ? [`scailfin env ${cluster} --parsl > pool.py      the configuration for your programs`] : []),
    `scailfin exec ${cluster} -- python3 PROGRAM.py   your program, on the headnode`,
    'with parsl.load(pool.config): …               after: import parsl, pool',
    `scailfin status ${cluster}                      shows the blocks of workers`,
  ],

  losses: async () => undefined,

  async render(cluster, dir, spec) {
    const workers = withDefaults(spec.workers);
    const keys = shownKeys(NAME);
    const files = [
      ...wireFiles(dir, { service: NAME, port: 0, keys }, '/@PYTHON@'),
      requirementsFile(packages),
      ...headFiles(dir, cluster, workers),
      ...(await blockFiles(dir, workers, keys)),
    ];
    return renderedWorkers(files, ['workers/install'], words);
  },
};

const words: Readonly<Record<string, string>> = {
  'requirements.txt': "the packages of the headnode's Python and of the workers",
  'settings.json': 'how many blocks of workers there may be, and what each gets',
  'lib/scailfin_parsl.py': 'submits blocks of workers for a Parsl program, and is its interchange',
  'lib/pool.py': 'the configuration for programs; `scailfin env --parsl` prints it',
};

const configuration = (cluster: string, home: string): string =>
  render('headnode/parsl/pool.py', { name: cluster, home, text: JSON.stringify });

function headFiles(pool: string, cluster: string, { count, cores, memory, image }: Workers): FileToPut[] {
  const home = workersHome(pool, NAME);
  const [, version = ''] = /^parsl==(\S+)/m.exec(templateText(REQUIREMENTS)) ?? [];
  const settings = { blocks: count, cores, memory, image: image ?? '', version };
  const own = (path: string, content: string): FileToPut => ({ path: `workers/${NAME}/${path}`, content, mode: 0o600 });
  return [
    own('settings.json', `${JSON.stringify(settings, null, 2)}\n`),
    own('lib/scailfin_parsl.py', templateText('headnode/parsl/scailfin_parsl.py')),
    own('lib/pool.py', configuration(cluster, home)),
    {
      path: `env/${NAME}.env`,
      content: render('headnode/parsl.env', { lib: `${home}/lib`, bin: `${home}/venv/bin` }),
      mode: 0o600,
    },
  ];
}

/** What every block has; a program adds its own keys, and the command. */
function blockFiles(pool: string, workers: Workers, keys: Parameters<typeof nodeFiles>[0]['keys']) {
  const files = [
    ...nodeFiles({ keys, service: NAME }).filter(f => f.path !== 'wire/key'),
    { path: 'worker.sh', content: templateText('worker/parsl/worker.sh'), mode: 0o600 },
  ];
  // Parsl itself ends blocks that have nothing to do
  const plan: WorkersPlan = { ...workers, idle: 0, need: 'listener', name: NAME, files, command: 'exit 1' };
  return workerFiles(pool, plan);
}
