import { parseDuration } from '../../units.js';
import type { Command, Output } from '../job.js';
import { known, limit, type QueueInfo, type Survey } from '../survey.js';
import { option } from './clusters.js';
import { submit } from './submit.js';
import { refusal } from './words.js';

export const survey: Survey = {
  title: 'Slurm',
  programs: ['sbatch', 'squeue', 'scancel'],

  version: {
    command: { argv: ['sbatch', '--version'] },
    parse: out => (out.exitCode === 0 ? /^slurm\S* (\d\S*)/m.exec(out.stdout)?.[1] : undefined),
  },

  queues: {
    commands: partitions(undefined),
    inCluster: partitions,
    parse([partitions, nodes]) {
      if (partitions?.exitCode !== 0) return refused(partitions);
      const usual = usualNodes(nodes?.exitCode === 0 ? nodes.stdout : '');
      return partitions.stdout.split('\n').flatMap(line => {
        const values = new Map([...line.matchAll(/(?<!\w)(\w+)=(\S*)/g)].map(m => [m[1] as string, m[2] as string]));
        const name = values.get('PartitionName');
        return name === undefined ? [] : [{ ...partition(name, values), ...usual.get(name) }];
      });
    },
  },

  testSubmit: {
    command(job) {
      const { argv, stdin } = submit(job);
      return { argv: [...argv, '--test-only'], ...(stdin === undefined ? {} : { stdin }) };
    },
    parse(out) {
      const told = /^sbatch: Job \d+ to start at (\S+)(?=\s).*? on nodes? (\S+)(?: in partition (\S+))?/m.exec(
        out.stderr,
      );
      if (out.exitCode === 0 && told) return `would start at ${told[1]}${told[3] ? ` in ${told[3]}` : ''}`;
      return out.exitCode === 0 ? 'would be taken' : refused(out);
    },
  },
};

function partitions(cluster: string | undefined): Command[] {
  return [
    { argv: ['scontrol', ...option(cluster), '--oneliner', 'show', 'partition'] },
    // one line for each kind of node
    { argv: ['sinfo', ...option(cluster), '--noheader', '-o', '%R|%D|%c|%m|%G'] },
  ];
}

function partition(name: string, values: ReadonlyMap<string, string>): QueueInfo {
  const state = values.get('State') ?? 'UP';
  const time = values.get('MaxTime') ?? '';
  return {
    ...{ name, default: values.get('Default') === 'YES' },
    // a partition that is DOWN accepts jobs and keeps them; INACTIVE and DRAIN refuse them, scontrol(1)
    open: state === 'UP' || state === 'DOWN',
    ...known({
      word: state === 'UP' ? undefined : state,
      walltime: parseDuration(time),
      nodes: limit(values.get('MaxNodes')) ?? limit(values.get('TotalNodes')),
      shared: !/^EXCLUSIVE/.test(values.get('OverSubscribe') ?? ''),
    }),
  };
}

/** Cores, memory and GPUs of the most frequent kind of node in a partition. */
function usualNodes(text: string): Map<string, Pick<QueueInfo, 'cores' | 'memory' | 'gpus'>> {
  const most = new Map<string, number>();
  const found = new Map<string, Pick<QueueInfo, 'cores' | 'memory' | 'gpus'>>();
  for (const line of text.split('\n')) {
    const [name, count, cores, memory, gres] = line.trim().split('|');
    if (!name || gres === undefined || Number(count) <= (most.get(name) ?? 0)) continue;
    most.set(name, Number(count));
    // `8+`: at least
    const number = (value = ''): number | undefined => limit(value.replace('+', ''));
    found.set(name, known({ cores: number(cores), memory: number(memory), gpus: gpusIn(gres) }));
  }
  return found;
}

/** `gpu:v100:8(S:0-1),craynetwork:4` → 8 */
function gpusIn(gres: string): number | undefined {
  const counts = [...gres.matchAll(/(?:^|,)gpu(?::[^:,()]+)??(?::(\d+))?(?=[(,]|$)/g)].map(m => Number(m[1] ?? 1));
  return counts.length > 0 ? counts.reduce((sum, n) => sum + n, 0) : undefined;
}

/**
 * Always throws the adapter's error for a refusal, with its hint; `sbatch --test-only` begins its message differently.
 */
function refused(out: Output | undefined): never {
  const said = (out?.stderr || out?.stdout || '').replaceAll(
    /^allocation failure: /gm,
    'sbatch: error: Batch job submission failed: ',
  );
  throw refusal('sbatch', { stdout: '', stderr: said, exitCode: out?.exitCode || 1 });
}
