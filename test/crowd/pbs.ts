import { recorded, recordings } from '../recordings/recordings.js';
import { always, among, idOf, inTurn, isArray, type Queue, says } from './parts.js';

/** qselect leaves others out by name and user; here it tells them all the same where there are any. History has our ids only. */
export const pbs: Queue = ({ tag }, own, others) => {
  const live = recordings('openpbs').filter(r => /^status\..*\.qstat-f$/.test(r.case) && r.stdout !== '');
  const renamed = (job: string, id: string): string => job.replace(/^Job Id: [^.]*/, `Job Id: ${id}`);
  const named = (name: string, id: string): string =>
    renamed(recorded(live, name).stdout, id).replace(/(?<=^ {4}Job_Name = ).*/m, tag);

  const parent = isArray(own) ? [`${own[0]?.job}[]`] : [];
  const mine = [
    ...parent.map(id => named('status.array-queued.parent.qstat-f', id)),
    ...own.map(one => named('status.running.qstat-f', idOf(one))),
  ];
  const told = among(others, (id, n) => renamed(inTurn(live, n).stdout, id), mine);
  const ids = among(others, id => id, parent.length > 0 ? parent : own.map(one => one.job));
  return {
    qselect: always(ids.map(id => `${id}.pbs01\n`).join('')),
    qstat: { '-x': says(mine.join('')), '-t': says(told.join('')) },
    qsub: always(`${parent[0] ?? own[0]?.job}.pbs01\n`),
  };
};
