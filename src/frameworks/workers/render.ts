import type { FileToPut } from '../../hosts/host.js';
import { type Leaving, script } from '../../leaving.js';
import type { Rendered } from '../service.js';

/** What the files of the wire and of all workers are, by their names below the directory of workers, or the pool's. */
const words: Readonly<Record<string, string>> = {
  'wire/head.py': "leads workers' connections to services of the headnode; run by run.sh",
  'wire/run.sh': "the pool's master runs the wire with this",
  'wire/keys.json': 'the keys of the wire; they are made when it is started',
  'wire/cert.pem': 'the certificate by which workers know the headnode',
  'wire/key.pem': 'the key of that certificate',
  'wire.config': "a part of the pool's configuration",
  idle: 'when workers leave because nobody uses them',
  'workers/watch.sh': "sends workers away when nobody uses them; the pool's master runs it",
  'workers.config': "a part of the pool's configuration",
  'workers.sub': "the workers, read by the pool's condor_submit",
  'step.sh': 'runs a worker in its container, on a node',
  'step.env': 'the settings of step.sh, with the command in base64',
  port: 'the port on which the manager listens',
  password: 'the password; it is made at the first start',
  'tree/wire/node.py': "a worker's end of the wire",
  'tree/wire/cert.pem': 'the certificate by which it knows the headnode',
  'tree/wire/key': 'the key by which the headnode knows it',
  'tree/password': 'the password for the manager',
  'tree/worker.sh': 'runs a worker of the framework, on a node',
  'run.sh': "the pool's master runs the manager with this",
  'manager.config': "a part of the pool's configuration",
};

/** Scripts of all frameworks that have workers; one may be sent for some of them only. */
const isShared = (name: string): boolean => name.startsWith('workers/');
const ALWAYS = ['keep', 'list', 'manager', 'port'].map(name => `workers/${name}`);

const ENV = 'what `scailfin exec` tells programs about the framework';

/**
 * All files of a framework that has workers, as `render` shows them.
 * @param scripts those in `templates/headnode` that not all such frameworks run
 * @param own what further files are, by their names below the workers' directory
 */
export const renderedWorkers = (
  files: readonly FileToPut[],
  scripts: readonly string[],
  own: Readonly<Record<string, string>> = {},
): Rendered => ({
  configuration: files.map(({ path, content, mode }): Leaving => {
    const short = path.replace(/^workers\/[^/]+\//, '');
    const what = path.startsWith('wire/services/')
      ? 'the key and the port of a service'
      : (words[short] ?? own[short] ?? (path.startsWith('env/') ? ENV : ''));
    return { name: path, content: String(content), mode: mode ?? 0o600, what };
  }),
  scripts: scripts.filter(name => !isShared(name)),
  more: [
    ...['look', 'start'].map(name => script(`headnode/wire/${name}`, `wire/${name}`)),
    ...[...ALWAYS, ...scripts.filter(isShared)].map(name => script(`headnode/${name}`, name)),
  ],
  ...{ folders: [], note: '' },
});
