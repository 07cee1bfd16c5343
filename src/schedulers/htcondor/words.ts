import { SchedulerError } from '../../errors.js';
import { abridged } from '../../text.js';
import type { Output } from '../job.js';

/** Messages if there is nothing left to cancel. */
export const GONE =
  /not found$|no jobs in the queue|Couldn't find\/remove|already (?:marked|being removed|completed)|has been removed/i;
/** Messages if the schedd did not answer, whatever the exit status. */
export const DOWN = /Failed to connect|communication error|failed to fetch ads|Can't find address/i;

/** HTCondor's own error, without unrelated warnings and advice; empty if there is none. */
export function words(out: Output | undefined): string {
  const text = (out?.stderr.trim() || out?.stdout || '').replaceAll(/^(WARNING:|Submitting job).*$/gm, '');
  const told = text.split(/\n\s*\n|\n(?=Extra Info:)/).filter(paragraph => !/^\s*Extra Info:/.test(paragraph));
  // keep the part of an address that people know
  const lines = told
    .join('\n')
    .replaceAll(/<([^<>?\s]+)\?[^<>\s]*>/g, '<$1>')
    .split('\n');
  const said = lines.flatMap(line => line.trim().replace(/^(?:-- )?(?:ERROR:\s*)?(?:condor_\w+:\s*)?/i, '') || []);
  const first = [...new Set(said)].slice(0, 4).map(line => abridged(line));
  return first.join('; ').replaceAll(':; ', ': ');
}

export function refusal(program: string, out: Output | undefined): SchedulerError {
  const said = words(out);
  const hint = HINTS.find(([pattern]) => pattern.test(out?.stderr.trim() || out?.stdout || ''))?.[1];
  return new SchedulerError(
    `HTCondor's ${program} refused: ${said || `it gave no usable answer (status ${out?.exitCode ?? 'none'})`}`,
    { hint },
  );
}

const HINTS: [RegExp, string][] = [
  [
    /FILESYSTEM_DOMAIN/,
    "the nodes must see the cluster's directory (directories.work in the profile). If they do, although the site's domains have different names, " +
      "say so in the profile: scheduler.directives: ['requirements = TARGET.FileSystemDomain =!= undefined']",
  ],
  [
    /failed to connect|can't find address|communication error|connection|condor_schedd is not|timed? ?out/i,
    "the site's HTCondor is down or busy: try again when it is back",
  ],
  [/accounting.?group/i, 'name one of your allocations: --account NAME'],
  [/MAX_JOBS|would exceed|limit/i, 'you have reached your limit there: ask for less (--nodes), or wait until jobs end'],
  [/permission|denied|not authori[sz]ed|authenticat/i, 'these jobs are not yours, or the site does not let you submit'],
  [
    /parse error|on line|parameter was provided|no queue statement|invalid|unknown/i,
    "correct the site's profile: scailfin sites show SITE",
  ],
];
