import type { JobQuery } from '../job.js';

/**
 * A login node can submit to several clusters of Slurm, sbatch(1) "--clusters". Each numbers its own jobs, so a job in
 * another cluster keeps its cluster in its id, as `sbatch --parsable` prints it: `17;c5`, and `17_2;c5` for a task.
 */
export interface Group {
  /** Undefined: the cluster of the login node. */
  readonly cluster: string | undefined;
  /** The known ids of jobs in it, with their cluster. */
  readonly ids: readonly string[];
}

/** `17_2;c5` → 17_2 and c5 */
export function split(id: string): { number: string; cluster: string | undefined } {
  const [number = '', cluster] = id.split(';');
  return { number, cluster };
}

export const join = (number: string, cluster: string | undefined): string =>
  cluster === undefined ? number : `${number};${cluster}`;

/** The option that all of Slurm's commands have. */
export const option = (cluster: string | undefined): string[] =>
  cluster === undefined ? [] : [`--clusters=${cluster}`];

/** The ids by their clusters; with the query's clusters, which may have jobs whose ids are not known. */
export function groups(ids: readonly string[], { clusters = [] }: Pick<JobQuery, 'clusters'>): Group[] {
  const found = new Map<string | undefined, string[]>(clusters.map(name => [name, []]));
  for (const id of ids) {
    const { cluster } = split(id);
    found.set(cluster, [...(found.get(cluster) ?? []), id]);
  }
  if (found.size === 0) found.set(undefined, []);
  return [...found].map(([cluster, own]) => ({ cluster, ids: own }));
}

/** The numbers of a group's jobs, for an option such as `--jobs`. */
export const numbers = ({ ids }: Group): string => ids.map(id => split(id).number).join(',');

const NAME = /^[A-Za-z0-9][\w.-]*$/;

/** The clusters that directives name: `-M c5`, `--clusters=c4,c5`. */
export function clustersIn(directives: readonly string[]): string[] {
  const named = directives.flatMap(text => {
    const list = /(?:^|\s)(?:-M\s*|--clusters?(?:=|\s+))(\S+)/.exec(text)?.[1];
    return list === undefined ? [] : list.split(',');
  });
  return [...new Set(named.filter(name => NAME.test(name) && name !== 'all'))];
}
