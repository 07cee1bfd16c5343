import { SchedulerError } from '../../errors.js';
import { abridged } from '../../text.js';
import type { Output } from '../job.js';

/** Slurm's complete error: the line with the reason is often not the line that says that it failed. */
export function slurmsWords(text: string): string {
  const lines = text.split('\n').flatMap(line => line.trim() || []);
  // banners come first; lines without Slurm's name at their beginning continue a longer message
  const start = lines.findIndex(line => PREFIX.test(line));
  const told = lines.slice(Math.max(0, start)).filter(line => !/^Try "\w+ --help"/.test(line));
  const said = told.slice(-5).map(line => abridged(line.replace(PREFIX, '')));
  // Slurm prints the final verdict last; here it comes first
  const verdict = said.filter(line => VERDICT.test(line)).map(line => line.replace(VERDICT, ''));
  return [...new Set([...verdict, ...said.filter(line => !VERDICT.test(line))])].join('; ');
}

/** @returns a SchedulerError with Slurm's own error, and a hint */
export function refusal(program: string, out: Output | undefined): SchedulerError {
  const words = slurmsWords(out?.stderr.trim() || out?.stdout || '');
  const hint = HINTS.find(([pattern]) => pattern.test(words))?.[1];
  return new SchedulerError(
    `Slurm's ${program} refused: ${words || `there was no answer (status ${out?.exitCode ?? 'none'})`}`,
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
    'choose a queue that is open: --queue NAME (to list the queues: `sinfo -s` there)',
  ],
  [
    /invalid account|account.*partition combination/i,
    'name one of your allocations: --account NAME (to list them: `sacctmgr show assoc user=$USER` there)',
  ],
  [
    /violates accounting|SubmitJob|MaxJobs|job submit limit/i,
    'you have reached your limit there: ask for less (--nodes, --walltime), or wait until some of your jobs end (see `squeue --me` there)',
  ],
  [/qos/i, 'the QOS does not allow this job: choose another --queue or --account'],
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
