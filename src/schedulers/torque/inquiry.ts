import type { Command, Inquiry, JobQuery, Output } from '../job.js';
import { nativeIds } from '../pbs-family/ids.js';
import { inquired } from '../pbs-family/inquiry.js';
import { ours } from '../pbs-family/jobs.js';
import { FINISH, readDocuments } from './list.js';

/** Only with -t: without it, an array's id lists everybody's jobs. */
const ASK = `qstat -t -x "$@"
status=$?
`;

export const commands = (ids: readonly string[]): Command[] => [
  { argv: ['sh', '-c', `${ASK}${FINISH}`, 'torque-ask', ...ids.flatMap(nativeIds)] },
];

export const parse = ([out]: readonly Output[], ids: readonly string[], { tag }: JobQuery): Inquiry =>
  inquired('Torque', out, ids, stdout =>
    readDocuments(
      stdout,
      ours(ids, task => (task === undefined ? tag : `${tag}-${task}`)),
    ),
  );
