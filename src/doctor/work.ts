import { jobQuery } from '../cluster/context.js';
import { takeDownSite } from '../cluster/takedown.js';
import { defaultWork, probe } from '../hosts/probe.js';
import { keyValues, runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';
import { formatMemory } from '../units.js';
import { NAME, TAG } from './nodejob.js';
import { profileFile } from './patient.js';
import { type Context, type Finding, failed, ok, type Stage, warning } from './stage.js';

/** A payload and its logs need some space; with less than the second value, jobs may soon run out of it. MiB. */
const [NEEDED, COMFORTABLE] = [100, 2048];
/** The file system types (df(1) --output=fstype) of a machine's own disks. */
const LOCAL = /^(ext[234]|xfs|btrfs|zfs|tmpfs|ramfs|overlay|f2fs|jfs|reiserfs)$/;

/** scailfin's directory can be made and written, has space, and may be visible on compute nodes. */
export const work: Stage = {
  id: 'work',
  title: 'Work directory',

  async run(context) {
    const { facts } = context;
    const host = facts.get('host');
    const { directories } = facts.get('profile');
    const found = await probe(host, directories.work ?? defaultWork, NAME);
    facts.learn({ probe: found });
    // a job without its directory: some batch systems restore ended jobs after a crash
    const isLeft = found.owner !== undefined || facts.get('batch').left > 0;
    const swept = isLeft && !context.options.deep ? await sweep(context) : '';
    const out = await runScript(host, templateText('site/workdir.sh'), [found.base], { timeoutMs: 90_000 });
    const values = keyValues(out.stdout);
    const one = (key: string): string => values.get(key)?.[0] ?? '';
    const free = Math.floor(Number(one('free')) / 1024);
    facts.learn({ work: { type: one('type'), free } });
    if (one('written') !== 'yes')
      return unwritable(context, found.base, one('why') || 'there was no reason', one('mount'));
    const quota = (values.get('quota') ?? []).map(line => `  | ${line}`);
    const room = `${formatMemory(free)} free on ${one('type') || 'its file system'} (${one('mount')})`;
    const told = (remark = ''): string => [`${found.base}: ${room}${remark}${swept}`, ...quota].join('\n');
    const elsewhere = `set directories.work in ${place(context)} to one with more room`;
    if (free < NEEDED)
      return failed(
        `${found.base} has only ${free} MiB free (${one('mount')})`,
        `free some space there, or ${elsewhere}`,
      );
    if (Number(one('files') || 1e6) < 1000)
      return failed(told(`, but for only ${one('files')} files`), `remove files there, or ${elsewhere}`);
    if (free < COMFORTABLE) return warning(told(), `that is little; ${elsewhere}`);
    if (context.options.deep || !LOCAL.test(one('type')) || !context.patient.login) return ok(told());
    return warning(
      told('; this looks like a local disk of the login node'),
      'to see whether compute nodes have it, run this again with --deep',
    );
  },
};

/** The profile in which directories.work is to be written. */
const place = ({ patient }: Context): string => profileFile(patient);

function unwritable(context: Context, base: string, why: string, mount: string): Finding {
  const words = why.replace(/^(mkdir|dd|bash): /, '');
  const other = `set directories.work in ${place(context)} to a directory of yours that compute nodes see too`;
  const hint = /quota/i.test(why)
    ? `your quota there is used up: remove files, or ${other}`
    : /no space/i.test(why)
      ? `${mount} is full: remove files, or ${other}`
      : /read-only/i.test(why)
        ? `${mount} can't be written to now: ask the site, or ${other}`
        : other;
  return failed(`can't write in ${base}: ${words}`, hint);
}

/** Removes what an earlier check left that lost its connection to the site. */
async function sweep({ facts, options, progress }: Context): Promise<string> {
  const { base, user } = facts.get('probe');
  const jobs = await takeDownSite({
    ...{ host: facts.get('host'), scheduler: facts.get('batch').scheduler, cluster: NAME, base, onProgress: progress },
    query: { ...jobQuery(NAME, { base, user }, [], { profile: facts.get('profile'), queue: options.queue }), tag: TAG },
  });
  return `; removed what an earlier check left${jobs > 0 ? ' and cancelled its job' : ''}`;
}
