import { recorded, recordings } from '../recordings/recordings.js';
import { always, among, idOf, inTurn, type Queue } from './parts.js';

const RULE = `${'-'.repeat(78)}\n`;

/** A job's first paragraph is folded after 79 characters, so its ids can't just be replaced. */
function renamed(text: string, id: string, name?: string): string {
  const [, head = '', rest = ''] = /^\n(.*(?:\n {21}.*)*)\n([\s\S]*)$/.exec(text) ?? [];
  const line = head.replaceAll(/\n {21}/g, '').replace(/(?<=^Job Id <)[^>]*/, id);
  const whole = name === undefined ? line : line.replace(/(?<=, Job Name <)[^>]*/, name);
  return `\n${whole.slice(0, 79)}${whole.slice(79).replaceAll(/.{1,58}/g, `\n${' '.repeat(21)}$&`)}\n${rest}`;
}

/** bjobs leaves others out by name and user; here it tells them all the same where there are any. */
export const lsf: Queue = ({ tag }, own, others) => {
  const all = recordings('openlava');
  const jobs = (name: string): string[] => recorded(all, name).stdout.split(RULE);
  const ours = (name: string): string[] => {
    const tasks = jobs(name);
    return own.map((one, n) => renamed(inTurn(tasks, n), idOf(one), idOf({ ...one, job: tag })));
  };
  const mixed = jobs('status.all.bjobs-l');
  const mine = ours('status.array-running.parent.bjobs-l');
  return {
    bjobs: always(among(others, (id, n) => renamed(inTurn(mixed, n), id), mine).join(RULE)),
    bhist: always(ours('status.array-running.parent.bhist-l').join(RULE)),
    bsub: always(recorded(all, 'submit.array').stdout.replace(/\d+/, own[0]?.job as string)),
  };
};
