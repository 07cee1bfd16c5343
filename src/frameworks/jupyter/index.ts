import { UsageError } from '../../errors.js';
import { formatMemory } from '../../units.js';
import type { OwnFacts } from '../facts.js';
import type { Framework } from '../framework.js';
import { changeable, planWorkers, workerOptions } from '../workers/options.js';
import { type JupyterSpec, tokenName } from './spec.js';

/** JupyterLab on a compute node, as a job of the pool. */
export const jupyter: Framework<JupyterSpec, OwnFacts> = {
  name: 'jupyter',
  title: 'JupyterLab',
  about: 'jupyter (JupyterLab on a compute node)',
  options: [
    // one server, which stays: nobody can see from outside whether a notebook computes
    ...workerOptions.filter(({ name }) => !['workers', 'worker-idle'].includes(name)),
    {
      ...{ name: 'notebooks', value: '<dir>' },
      help: "of jupyter: the directory at the site with the notebooks, such as '$SCRATCH/work'; default: the home directory",
    },
  ],
  secrets: [tokenName],
  facts: { port: 'number' },
  plan: request => ({
    workers: planWorkers(request),
    ...(request.notebooks === undefined ? {} : { notebooks: place(String(request.notebooks)) }),
  }),
  describe: ({ workers, notebooks = '~' }) => {
    const { cores = 1, memory = 1024, image } = workers;
    const size = `${cores} core${cores === 1 ? '' : 's'} and ${formatMemory(memory)}`;
    return `on a node, with ${size}${image === undefined ? '' : ` in ${image}`}; notebooks are in ${notebooks} at the site, and stay there`;
  },
  stays: ({ notebooks = '~' }) => `Notebooks, and all else that you saved, stay in ${notebooks} at the site.`,
  ...changeable,
  service: async () => (await import('./service.js')).jupyterService,
};

/** @throws UsageError for what is no directory at the site, or what a container can't be shown */
function place(text: string): string {
  const isPath = /^(?:~|\/|\$[A-Z][A-Z0-9_]*(?=\/|$))[^$]*$/.test(text) && !/^~[^/]/.test(text);
  if (isPath && !/[\p{Cc},:"'`\\]/u.test(text) && !text.split('/').some(part => part === '.' || part === '..')) {
    const short = text.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
    if (short !== '/') return short;
  }
  throw new UsageError(`--notebooks ${JSON.stringify(text)} is not a directory of the site`, {
    hint: "give a path, or one that begins with ~ or with a variable of the site: --notebooks '$SCRATCH/work'",
  });
}
