import { recorded, recordings } from '../recordings/recordings.js';
import { always, among, idOf, inTurn, isArray, type Queue } from './parts.js';

/** The others are of the same user: qselect can't leave them out. One document comes per id, the array's for all its tasks. */
export const torque: Queue = ({ tag }, own, others) => {
  const all = recordings('torque');
  const jobs = (name: string): string[] => recorded(all, name).stdout.match(/<Job>.*?<\/Job>/gs) ?? [];
  const [tasks, plain, mixed] = ['array-running.qstat-t-x', 'running.qstat-x', 'all.qstat-x'].map(n =>
    jobs(`status.${n}`),
  );
  const document = (text: string): string => `<?xml version="1.0"?>\n<Data>${text}</Data>\n`;
  const renamed = (job: string, id: string): string => job.replace(/(?<=<Job_Id>)[^.]*/, id);

  const array = isArray(own);
  const ours = own.map((one, n) => {
    const job = renamed(inTurn((array ? tasks : plain) ?? [], n), idOf(one));
    return job.replace(/(?<=<Job_Name>)[^<]*/, array ? `${tag}-${one.task}` : tag);
  });
  const mine = array ? [document(ours.join(''))] : ours.map(document);
  const told = among(others, (id, n) => document(renamed(inTurn(mixed ?? [], n), id)), mine);
  const ids = among(
    others,
    id => id,
    own.map(one => idOf(one)),
  );
  return {
    qselect: always(ids.map(id => `${id}.torque01\n`).join('')),
    qstat: always(told.join('')),
    qsub: always(`${own[0]?.job}${array ? '[]' : ''}.torque01\n`),
  };
};
