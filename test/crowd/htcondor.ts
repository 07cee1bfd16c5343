import { recorded, recordings } from '../recordings/recordings.js';
import { always, among, inTurn, type Queue } from './parts.js';

/** condor_q leaves others out by its constraint; here it tells them all the same where there are any. */
export const htcondor: Queue = (_, own, others) => {
  const all = recordings('htcondor');
  const ads = (name: string): string[] => recorded(all, name).stdout.match(/^\{\n[^}]*^\}$/gm) ?? [];
  const renamed = (ad: string, cluster: string, proc: number): string =>
    ad.replace(/(?<="ClusterId": )\d+/, cluster).replace(/(?<="ProcId": )\d+/, String(proc));
  const mixed = ads('status.mixed.adapter');
  const running = ads('status.running.adapter').filter(ad => ad.includes('"JobStatus": 2,'));
  const mine = own.map(({ job, task }, n) => renamed(inTurn(running, n), job, task ?? 0));
  const told = among(others, (id, n) => renamed(inTurn(mixed, n), id, 0), mine);
  return {
    condor_q: always(`[\n${told.join('\n,\n')}\n]\n`),
    condor_history: always(recorded(all, 'status.none.history').stdout),
    condor_submit: always(`${own[0]?.job}.0 - ${own[0]?.job}.${own.length - 1}\n`),
    // what is asked before a submission: whether the nodes share this machine's files
    condor_config_val: always('site\n'),
    condor_status: always('site\n'),
  };
};
