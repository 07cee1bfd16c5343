import { SchedulerError } from '../../errors.js';
import { abridged } from '../../text.js';
import type { Output } from '../job.js';

/** What Slurm itself said, all of it: the line that says why is often not the one that says that it failed. */
export function slurmsWords(text: string): string {
  const lines = text.split('\n').flatMap(line => line.trim() || []);
  // banners come before; what follows without Slurm's name in front is the rest of a longer message
  const start = lines.findIndex(line => PREFIX.test(line));
  const told = lines.slice(Math.max(0, start)).filter(line => !/^Try "\w+ --help"/.test(line));
  const said = told.slice(-5).map(line => abridged(line.replace(PREFIX, '')));
  // the verdict comes last in Slurm, first here
  const verdict = said.filter(line => VERDICT.test(line)).map(line => line.replace(VERDICT, ''));
  return [...new Set([...verdict, ...said.filter(line => !VERDICT.test(line))])].join('; ');
}

/** @returns a SchedulerError in Slurm's own words, with what to do about them */
export function refusal(program: string, out: Output | undefined): SchedulerError {
  const words = slurmsWords(out?.stderr.trim() || out?.stdout || '');
  const hint = HINTS.find(([pattern]) => pattern.test(words))?.[1];
  return new SchedulerError(
    `Slurm's ${program} refused: ${words || `it answered nothing (status ${out?.exitCode ?? 'none'})`}`,
    { hint },
  );
}

const PREFIX =
  /^(s(?:batch|queue|acct|cancel|info|control|acctmgr)|slurm_\w+): ((error|fatal): )?|^(?:slurm|scontrol)_\w+ error: /;
const VERDICT = /^Batch job submission failed: /;

const HINTS: [RegExp, string][] = [
  [
    /unable to contact|connection refused|timed out|not responding/i,
    "the site's Slurm is down or busy: try again when it is back",
  ],
  [
    /invalid partition|partition not available/i,
    'choose a queue the site has open: --queue NAME (see `sinfo -s` there)',
  ],
  [
    /invalid account|account.*partition combination/i,
    'name an allocation of yours: --account NAME (see `sacctmgr show assoc user=$USER` there)',
  ],
  [
    /violates accounting|SubmitJob|MaxJobs|job submit limit/i,
    'you have as much there as you may: ask for less (--nodes, --walltime), or wait for jobs of yours to end (see `squeue --me` there)',
  ],
  [/qos/i, 'the QOS does not suit: ask for another --queue or --account'],
  [/time limit|--time specification/i, 'ask for less: --walltime'],
  [/node count|cpu count|node configuration|memory/i, 'ask for less: --nodes, --cores or --memory'],
  [
    /job array/i,
    "ask for fewer --nodes: the site's largest array is smaller (`scontrol show config | grep MaxArraySize`)",
  ],
  [
    /feature specification|unrecognized option|invalid option|dependency|batch script|parameter too long/i,
    "correct the directives in the site's profile: scailfin sites show SITE",
  ],
  [/permission denied/i, 'these jobs are not yours: log in as the user who submitted them (--user)'],
];
