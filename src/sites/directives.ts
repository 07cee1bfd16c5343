/** The options that scailfin itself gives to a batch system; the text says where the user can set them instead. */
type Owned = Record<string, string>;

const itself = 'repeats what scailfin sets itself; remove it';
const queue = 'chooses a queue; name it under "queues" and choose it with --queue';
const account = 'names an account; give it with --account or in config.yaml';
const walltime = 'sets the walltime; give it with --walltime, its limit under "queues"';
const nodes = 'sets the number of nodes; give it with --nodes';
const cores = 'sets the number of cores; set it with "node" or "queues"';
const memory = 'asks for memory; set it with "node" or "queues", or forbid it with scheduler.memory: false';

const slurm: Owned = {
  '-J': itself,
  '--job-name': itself,
  '-a': itself,
  '--array': itself,
  '-o': itself,
  '--output': itself,
  '-e': itself,
  '--error': itself,
  '-t': walltime,
  '--time': walltime,
  '-N': nodes,
  '--nodes': nodes,
  '-n': itself,
  '--ntasks': itself,
  '--ntasks-per-node': itself,
  '-c': cores,
  '--cpus-per-task': cores,
  '--mem': memory,
  '-p': queue,
  '--partition': queue,
  '-A': account,
  '--account': account,
};
const pbs: Owned = {
  '-N': itself,
  '-J': itself,
  '-t': itself,
  '-o': itself,
  '-e': itself,
  '-j': itself,
  '-q': queue,
  '-A': account,
  '-l walltime': walltime,
  '-l nodes': nodes,
  '-l select': nodes,
  '-l ncpus': cores,
  '-l mem': memory,
};
const owned: Record<string, Owned> = {
  slurm,
  pbs,
  torque: pbs,
  sge: {
    '-N': itself,
    '-t': itself,
    '-o': itself,
    '-e': itself,
    '-j': itself,
    '-q': queue,
    '-P': account,
    '-A': account,
    '-l h_rt': walltime,
    '-pe': 'chooses a parallel environment; name it with scheduler.parallelEnvironment',
  },
  lsf: {
    '-J': itself,
    '-o': itself,
    '-e': itself,
    '-W': walltime,
    '-nnodes': nodes,
    '-n': cores,
    '-M': memory,
    '-q': queue,
    '-P': account,
  },
  htcondor: {
    ...Object.fromEntries(
      [
        ...['universe', 'executable', 'transfer_executable', 'arguments', 'environment', 'initialdir', 'output'],
        ...['error', 'log', 'queue', 'batch_name', 'should_transfer_files', 'max_retries'],
      ].map(key => [key, itself]),
    ),
    periodic_remove: walltime,
    request_cpus: cores,
    request_memory: memory,
    accounting_group: account,
  },
};

/**
 * Why a profile must not contain this directive, as a phrase that follows it; undefined if it may.
 *
 * @param type the profile's scheduler
 * @param directive as the batch system spells it, without `#SBATCH` and the like: `-l gres=shifter16`
 */
export function repeated(type: string, directive: string): string | undefined {
  if (/^\s*#/.test(directive)) return 'must be written without its leading #…: only the option itself';
  if (type !== 'htcondor' && /[`$;\\#]/.test(directive)) return "can't be used in a batch script: leave out ` $ ; \\ #";
  if (type === 'fork') return 'means nothing to the scheduler fork; remove it';
  const table = owned[type];
  if (!table) return undefined;
  if (type === 'htcondor') return table[/^\s*([\w.+]+)/.exec(directive)?.[1]?.toLowerCase() ?? ''];
  if (!/^\s*-/.test(directive)) return 'is not an option: it must begin with -';
  return optionsIn(directive)
    .map(option => table[option])
    .find(why => why !== undefined);
}

/** `-l a=1,b=2` → `-l`, `-l a`, `-l b`; `--time=1` → `--time`; `-t1` → `-t1`, `-t`; `-nnodes 2` → `-nnodes`. */
function optionsIn(directive: string): string[] {
  const found: string[] = [];
  const words = directive.trim().split(/\s+/);
  for (const [i, word] of words.entries()) {
    if (!/^-\D/.test(word)) continue;
    const option = word.split('=')[0] ?? word;
    found.push(option);
    // a value attached to a one-letter option; LSF's -nnodes is one option
    const glued = /^(-[A-Za-z])(?=[\d:=])/.exec(word)?.[1];
    if (glued) found.push(glued);
    if (option === '-l') found.push(...(words[i + 1] ?? '').split(',').map(part => `-l ${part.split(/[=:]/)[0]}`));
  }
  return found;
}
