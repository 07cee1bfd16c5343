import { join } from 'node:path';
import { CommandError, ScailfinError } from '../../errors.js';
import { bringUp } from '../../headnode/component.js';
import type { FileToPut } from '../../hosts/host.js';
import { runScript } from '../../hosts/script.js';
import { render, templateText } from '../../templates.js';
import type { OwnFacts } from '../facts.js';
import { ownSecret } from '../secret.js';
import type { Service } from '../service.js';
import { shownKeys, wireKeys } from '../wire/keys.js';
import { nodeFiles, wire, wireFiles } from '../wire/wire.js';
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
import type { WorkQueueSpec } from './spec.js';

const NAME = 'workqueue';
/** Work Queue's own port is 9123; each cluster on a headnode has another one. */
const FIRST_PORT = 39_123;
const PASSWORD = 'workqueue.password';

/**
 * The wire and the workers. The manager is the user's own program, which runs on the headnode: there it goes on while the
 * user's machine sleeps, and its tasks' files take the short way to the nodes.
 */
export const workqueueService: Service<WorkQueueSpec, OwnFacts> = {
  components: [],
  ownScripts: /^workqueue-/,
  isForListeners: true,

  async bringUp(at, spec) {
    const workers = withDefaults(spec.workers);
    at.announce(`bring up Work Queue on ${at.host.name}`);
    const password = ownSecret(join(at.folder, PASSWORD));
    const port = await managerPort(at, NAME, FIRST_PORT);
    const keys = await wireKeys(at, NAME);
    await bringUp(wire, at, { service: NAME, port, keys });
    await putInPool(at, headFiles(at.dir, port, password));
    if (workers.image === undefined) await bringProgram(at.host, at.dir);
    const plan = workersPlan(workers, [...nodeFiles({ keys, service: NAME }), passwordFile(password)]);
    await keepWorkers(at, plan);
    return {
      facts: { port },
      said: `${manyWorkers(workers.count)}, manager on port ${port} of ${at.host.name}`,
    };
  },

  status: ({ port }, at) => askWorkers(at, NAME, port, false),

  dial: (_facts, _here, dial) => dial,

  env: (_facts, { folder }, port) => [
    { name: 'WORK_QUEUE_PORT', value: String(port) },
    { name: 'WORK_QUEUE_PASSWORD_FILE', value: join(folder, PASSWORD) },
  ],

  next: (_facts, { cluster }, isHere) => [
    ...(isHere
      ? [`eval "$(scailfin env ${cluster})" && ./MANAGER`]
      : [`scailfin exec ${cluster} -- ./MANAGER       your program, on the headnode`]),
    'it listens on $WORK_QUEUE_PORT, with the password in $WORK_QUEUE_PASSWORD_FILE; for example',
    'makeflow -T wq -p $WORK_QUEUE_PORT --password=$WORK_QUEUE_PASSWORD_FILE',
    `scailfin status ${cluster}                      shows the workers`,
  ],

  losses: async () => undefined,

  async render(_cluster, dir, spec) {
    const workers = withDefaults(spec.workers);
    const keys = shownKeys(NAME);
    const plan = workersPlan(workers, [...nodeFiles({ keys, service: NAME }), passwordFile('@PASSWORD@')]);
    const files = [
      ...wireFiles(dir, { service: NAME, port: FIRST_PORT, keys }, '/@PYTHON@'),
      ...headFiles(dir, FIRST_PORT, '@PASSWORD@'),
      ...(await workerFiles(dir, plan)),
    ];
    return renderedWorkers(files, ['workqueue-program']);
  },
};

const passwordFile = (password: string): FileToPut => ({ path: 'password', content: `${password}\n`, mode: 0o600 });

function headFiles(pool: string, port: number, password: string): FileToPut[] {
  const variables = { port, password: `${workersHome(pool, NAME)}/password` };
  return [
    { path: `workers/${NAME}/port`, content: `${port}\n`, mode: 0o600 },
    { path: `workers/${NAME}/password`, content: `${password}\n`, mode: 0o600 },
    { path: `env/${NAME}.env`, content: render('headnode/workqueue.env', variables), mode: 0o600 },
  ];
}

function workersPlan(workers: Workers, files: readonly FileToPut[]): WorkersPlan {
  const { cores, memory, image } = workers;
  // with an image, the program is the image's
  const program = image === undefined ? './work_queue_worker' : 'work_queue_worker';
  const script = { path: 'worker.sh', content: templateText('worker/workqueue.sh'), mode: 0o600 };
  const command = `exec python3 -I -B wire/node.py ${NAME} bash ./worker.sh ${program} ${cores} ${memory} {port}`;
  return { ...workers, name: NAME, files: [...files, script], need: 'listener', command };
}

/** Puts the headnode's own worker program among the workers' files, so that it has the version of the managers there. */
async function bringProgram(host: Parameters<typeof runScript>[0], dir: string): Promise<void> {
  await runScript(host, templateText('headnode/workqueue-program.sh'), [dir]).catch(error => {
    if (!(error instanceof CommandError) || error.exitStatus !== 9) throw error;
    throw new ScailfinError(`Work Queue can't be started: ${host.name} has no work_queue_worker`, {
      ...{ cause: error },
      hint: 'install the Cooperative Computing Tools there (Debian: apt install coop-computing-tools; others: conda install -c conda-forge ndcctools), or give --worker-image with an image that has them',
    });
  });
}
