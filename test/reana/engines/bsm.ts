import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/paths.js';

const directory = join(packageRoot, 'examples/bsm-search/workflow');

/** The workflow of the example bsm-search, as files of the workspace: 67 jobs in 11 levels, up to 15 of them at a time. */
export const bsmSearch: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync(directory).map(name => [`workflow/${name}`, readFileSync(join(directory, name), 'utf8')]),
);

/** The lines of the merged file, as follows from the graph. */
export function expected(): string[] {
  const simulatedLines = ['mc1', 'mc2'].flatMap(kind =>
    [1, 2, 3, 4].flatMap(n => ['shape', 'shape', 'weights'].map(how => `${how} select generate ${kind} ${n}`)),
  );
  const dataLines = [5, 6, 7, 8, 9].flatMap(n =>
    ['signal', 'control'].map(region => `hist ${region} generate data ${n}`),
  );
  const signalLines = [10, 11].map(n => `hist select generate signal ${n}`);
  return [...simulatedLines, ...dataLines, ...signalLines].sort();
}
