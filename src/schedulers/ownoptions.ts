/**
 * What scailfin itself tells a batch system. A directive of a site's profile that repeats it is refused, with a phrase
 * that follows the directive and says where the user can set it instead.
 */
export const own = {
  itself: 'repeats what scailfin sets itself; remove it',
  queue: 'chooses a queue; name it under "queues" and choose it with --queue',
  account: 'names an account; give it with --account or in config.yaml',
  walltime: 'sets the walltime; give it with --walltime, its limit under "queues"',
  nodes: 'sets the number of nodes; give it with --nodes',
  cores: 'sets the number of cores; set it with "node" or "queues"',
  memory: 'asks for memory; set it with "node" or "queues", or forbid it with scheduler.memory: false',
} as const;

/** The options of one batch system that a profile must not contain, in the system's spelling, with the reasons. */
export type OwnOptions = Readonly<Record<string, string>>;

/** Why no batch script can contain this directive, whatever the system; undefined if it can. */
export function scriptProblem(directive: string): string | undefined {
  if (/^\s*#/.test(directive)) return 'must be written without its leading #…: only the option itself';
  return /[`$;\\#]/.test(directive) ? "can't be used in a batch script: leave out ` $ ; \\ #" : undefined;
}

/** The `directiveProblem` of a system whose directives are options, such as `-l gres=shifter16` or `--mem=4G`. */
export const optionProblem =
  (options: OwnOptions) =>
  (directive: string): string | undefined => {
    const problem = scriptProblem(directive);
    if (problem !== undefined) return problem;
    if (!/^\s*-/.test(directive)) return 'is not an option: it must begin with -';
    return optionsIn(directive)
      .map(option => options[option])
      .find(why => why !== undefined);
  };

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
