import type { Command, Inquiry, JobQuery, Output } from '../job.js';
import { nativeIds } from '../pbs-family/ids.js';
import { inquired } from '../pbs-family/inquiry.js';
import { jobsFromText, ours } from '../pbs-family/jobs.js';
import { statuses } from '../pbs-family/status.js';
import { endOf, FINISH } from './list.js';
import { interpret } from './states.js';

/** The queue only: the history was asked for these ids before. */
const ASK = `TZ=UTC0 qstat -t -f "$@"
${FINISH}`;

export const commands = (ids: readonly string[]): Command[] => [
  { argv: ['sh', '-c', ASK, 'pbs-ask', ...ids.flatMap(nativeIds)] },
];

export const parse = ([out]: readonly Output[], ids: readonly string[], { tag }: JobQuery): Inquiry =>
  inquired('PBS', out, ids, stdout => {
    const now = endOf(stdout);
    return now === undefined
      ? undefined
      : statuses(
          jobsFromText(
            stdout,
            ours(ids, () => tag),
          ),
          interpret,
          now,
        );
  });
