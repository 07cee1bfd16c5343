import { recorded, recordings } from '../recordings/recordings.js';
import { always, among, inTurn, type Queue, rowsOf } from './parts.js';

/** condor_q leaves others out by its constraint; here it tells them all the same where there are any. */
export const htcondor: Queue = (_, own, others) => {
  const all = recordings('htcondor');
  const ads = (name: string): string[] => rowsOf(recorded(all, name)).filter(row => row.startsWith('{'));
  const renamed = (ad: string, cluster: string, proc: number): string =>
    ad.replace(/(?<="ClusterId": )\d+/, cluster).replace(/(?<="ProcId": )\d+/, String(proc));
  const [running, mixed] = [ads('site.list.running'), ads('site.list.mixed')];
  const mine = own.map(({ job, task }, n) => renamed(inTurn(running, n), job, task ?? 0));
  const told = among(others, (id, n) => renamed(inTurn(mixed, n), id, 0), mine);
  return {
    condor_q: always(`[\n${told.join('\n,\n')}\n]\n`),
    condor_history: always(recorded(all, 'site.history.none').stdout),
    condor_submit: always(`${own[0]?.job}.0 - ${own[0]?.job}.${own.length - 1}\n`),
  };
};
