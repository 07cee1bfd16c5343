import { SchedulerError } from '../../errors.js';
import type { BatchJobStatus, Command, JobQuery, Output } from '../job.js';
import { isWhole, jobsFromXml, ours, type Wanted } from '../pbs-family/jobs.js';
import { statuses } from '../pbs-family/status.js';
import { answered } from '../pbs-family/words.js';
import { interpret } from './states.js';

const END = '<!--that is all-->';
export const FINISH = `printf '\\n%s\\n' '${END}'
exit "$status"`;

/**
 * All jobs of the user, because qselect can't find arrays by name. There is one document per id, so a last line shows
 * whether some are missing. Tasks are listed for their array, and only with -t: without -t, an array's id lists
 * everybody's jobs.
 */
const LIST = `set -f
ids=$(qselect -u "$1") || exit
ids=$(printf '%s\\n' "$ids" | sed -n 's/^\\([0-9][0-9]*\\)\\[[0-9]*\\]/\\1[]/;/^[0-9]/p' | sort -u)
status=0
[ -z "$ids" ] || { qstat -t -x $ids; status=$?; }
${FINISH}`;

export const list = ({ user }: JobQuery): Command[] => [{ argv: ['sh', '-c', LIST, 'torque-list', user] }];

export function parseList([out]: readonly Output[], { tag, ids }: JobQuery): BatchJobStatus[] {
  answered('Torque', 'qstat', out);
  const nameOf = (task: string | undefined): string => (task === undefined ? tag : `${tag}-${task}`);
  const found = readDocuments(out.stdout, ours(ids, nameOf));
  if (found === undefined) throw new SchedulerError("the answer of Torque's qstat was cut short");
  return found;
}

/** The jobs in all documents; undefined if the answer is incomplete. */
export function readDocuments(stdout: string, wanted: Wanted): BatchJobStatus[] | undefined {
  const text = stdout.trimEnd();
  const whole = text.endsWith(END) && isWhole(text, 'Data') && isWhole(text, 'Job');
  return whole ? statuses(jobsFromXml(text, wanted), interpret) : undefined;
}
