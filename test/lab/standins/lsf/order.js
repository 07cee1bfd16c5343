import { refuses } from '../answer.js';
import { words } from '../getopt.js';

/** @typedef {import('../answer.js').Answer} Answer */
/** @typedef {import('../family.js').Typed} Typed */

/**
 * @typedef {object} Queue
 * @property {number} priority
 * @property {number} [limit] minutes that a job may run
 * @property {number} [slots] of one job
 * @property {boolean} open it takes jobs
 * @property {boolean} active it runs jobs
 * @property {readonly string[]} [users] whom it takes jobs from
 * @property {string} description
 * @property {boolean} [delayed] new jobs wait a while
 */

/**
 * @typedef {object} Site
 * @property {string} cluster
 * @property {string} master
 * @property {{ readonly [name: string]: Queue }} queues
 * @property {string} queue the default one
 * @property {readonly string[]} hosts
 * @property {number} cleanPeriod seconds for which bjobs tells of a finished job
 */

/**
 * The queues of the recorded cluster; a longer day in the lab.
 * @param {number} limit minutes @param {number} slots @returns {Site['queues']}
 */
export const queues = (limit, slots) => ({
  short: { priority: 40, limit: 1, open: true, active: true, description: 'one minute jobs' },
  normal: { priority: 30, limit, slots, open: true, active: true, description: 'For normal low priority jobs' },
  stopped: { priority: 20, open: true, active: false, description: 'inactivated queue', delayed: true },
  closed: { priority: 20, open: false, active: true, description: 'closed queue', delayed: true },
  private: { priority: 20, open: true, active: true, users: ['bob'], description: 'bob only', delayed: true },
});

/** A job as the cluster has it on record.
 * @typedef {object} Order
 * @property {string} name without its index list
 * @property {string | undefined} array `1-3%2`
 * @property {string} user
 * @property {string} host
 * @property {string} dir
 * @property {string} home
 * @property {string} queue
 * @property {string} project
 * @property {string} command as it is told
 * @property {string | undefined} output
 * @property {string | undefined} error
 * @property {number} slots
 * @property {string | undefined} resources
 * @property {number | undefined} limit minutes
 * @property {boolean} held
 * @property {number | undefined} begin epoch seconds
 * @property {string | undefined} depend
 */

/** Options that have a value, bsub(1) of OpenLava. */
const VALUED = [
  'J',
  'q',
  'n',
  'W',
  'P',
  'o',
  'e',
  'i',
  'is',
  'R',
  'b',
  't',
  'w',
  'm',
  'M',
  'L',
  'E',
  'u',
  'G',
  'g',
  'k',
  'p',
  'S',
  'C',
  'D',
  'F',
  'v',
  'f',
  'a',
  'c',
  'sp',
  'eo',
  'oo',
  'gpu',
];

/** @param {readonly string[]} args @returns {{ options: Map<string, string>, command: string[] }} */
function parse(args) {
  /** @type {Map<string, string>} */
  const options = new Map();
  let at = 0;
  for (; at < args.length; at++) {
    const arg = /** @type {string} */ (args[at]);
    if (!/^-./.test(arg)) break;
    const name = arg.slice(1);
    if (VALUED.includes(name)) options.set(name, args[++at] ?? '');
    else if (VALUED.includes(name[0] ?? '') && name !== 'rn') options.set(name[0] ?? '', name.slice(1));
    else options.set(name, '');
  }
  return { options, command: args.slice(at) };
}

/** #BSUB lines count wherever they stand. @param {string} script @returns {Map<string, string>} */
function directivesOf(script) {
  const lines = script.split('\n').filter(line => line.startsWith('#BSUB '));
  return parse(lines.flatMap(line => words(line.slice(6)))).options;
}

/** @param {string} reason @returns {{ refusal: Answer }} */
const not = reason => ({ refusal: refuses(255, `${reason}. Job not submitted.`) });

/**
 * @param {Typed} typed @param {Site} site
 * @returns {{ order: Order, script: string, isDefault: boolean } | { refusal: Answer }}
 */
export function orderOf(typed, site) {
  const { options: own, command } = parse(typed.args);
  const script = command.length > 0 ? `${command.join(' ')}\n` : typed.stdin();
  if (script.trim() === '') return not('No command is specified');
  const options = new Map([...(command.length > 0 ? [] : directivesOf(script)), ...own]);
  const option = (/** @type {string} */ name) => options.get(name);
  const lines = script
    .replace(/\n+$/, '')
    .split('\n')
    .filter(line => line.trim() !== '');
  const told = command.length > 0 ? command.join(' ').replaceAll('\n', ' ') : lines.join(';');

  const [, name = '', list] = /^([^[\]]*)(?:\[([^\]]*)\](?:%\d+)?)?$/.exec(option('J') ?? told.slice(0, 120)) ?? [];
  const wrong = refused(options, list, site, typed.user);
  if (wrong !== undefined) return not(wrong);
  const throttle = /\]%(\d+)$/.exec(option('J') ?? '')?.[0].slice(1) ?? '';
  const limit = minutesOf(option('W'));
  const order = {
    ...{ name, array: list === undefined ? undefined : list + throttle, user: typed.user, host: typed.host },
    ...{
      dir: typed.dir,
      home: typed.env.HOME ?? '/',
      queue: option('q') ?? site.queue,
      project: option('P') ?? 'default',
    },
    ...{ command: told, output: option('o') ?? option('oo'), error: option('e') ?? option('eo'), limit },
    ...{ slots: Number((option('n') ?? '1').split(',')[0]), resources: option('R'), held: options.has('H') },
    ...{ begin: beginOf(option('b')), depend: option('w') },
  };
  return { order, script, isDefault: !options.has('q') };
}

/**
 * Why a job is not taken.
 * @param {ReadonlyMap<string, string>} options @param {string | undefined} list @param {Site} site
 * @param {string} user @returns {string | undefined}
 */
function refused(options, list, site, user) {
  const option = (/** @type {string} */ name) => options.get(name);
  const title = option('J') ?? '';
  if (title.length > 200 || (/[[\]]/.test(title) && !isList(list))) return 'Bad job name';
  if (list !== undefined && (list.match(/\d+/g) ?? []).some(n => Number(n) > 1000)) return 'Job array index too large';
  const slots = option('n') ?? '1';
  if (!/^\d+(,\d+)?$/.test(slots)) return 'The number of processors must be a positive integer';
  const host = option('m');
  if (host !== undefined && !site.hosts.includes(host))
    return `${host}: Bad host name, host group name or cluster name`;
  const wanted = option('W');
  if (wanted !== undefined && minutesOf(wanted) === undefined) return `${wanted}: Bad RUNLIMIT specification`;
  if (!isSyntax(option('R'))) return 'Bad resource requirement syntax';
  const name = option('q') ?? site.queue;
  const queue = site.queues[name];
  if (!queue) return `${name}: No such queue`;
  if (!queue.open) return `${name}: Queue has been closed`;
  if (queue.users && !queue.users.includes(user)) return `${name}: User cannot use the queue`;
  if (Number(slots.split(',')[0]) > (queue.slots ?? Number.MAX_VALUE)) return 'Too many processors requested';
  if ((minutesOf(wanted) ?? 0) > (queue.limit ?? Number.MAX_VALUE))
    return "RUNLIMIT: Cannot exceed queue's hard limit(s)";
  return undefined;
}

/** `1-3,7` or `1-7:2`, upwards. @param {string | undefined} list @returns {boolean} */
const isList = list =>
  /^\d+(-\d+)?(:\d+)?(,\d+(-\d+)?(:\d+)?)*$/.test(list ?? '') &&
  (list ?? '').split(',').every(part => {
    const [first = 0, end = first] = part.replace(/:.*/, '').split('-').map(Number);
    return first > 0 && end >= first;
  });

const RESOURCES = [
  'mem',
  'swp',
  'tmp',
  'r15s',
  'r1m',
  'r15m',
  'ut',
  'pg',
  'ls',
  'it',
  'io',
  'cpu',
  'hosts',
  'ptile',
  'type',
  'model',
];

/**
 * Sections in brackets, or a plain expression; numbers without units.
 * @param {string | undefined} text @returns {boolean}
 */
function isSyntax(text) {
  if (text === undefined) return true;
  const rest = text.replace(/\b(select|rusage|span|order|same)\[[^\][]*\]/g, '');
  const names = [...text.matchAll(/([A-Za-z]\w*)\s*(?:[<>=]=?|!=)\s*([\w.]*)/g)];
  return (
    !/[[\]]/.test(rest) &&
    names.every(([, name = '', value]) => RESOURCES.includes(name) && /^[\d.]+$|^[a-z]+\w*$/i.test(value ?? ''))
  );
}

/** `[hours:]minutes[/host]` @param {string | undefined} text @returns {number | undefined} */
function minutesOf(text) {
  const [, hours = '0', minutes] = /^(?:(\d+):)?(\d+)(?:\/.*)?$/.exec(text ?? '') ?? [];
  return minutes === undefined ? undefined : Number(hours) * 60 + Number(minutes);
}

/** `[[month:]day:]hour:minute` @param {string | undefined} text @returns {number | undefined} */
function beginOf(text) {
  if (!/^\d+(:\d+){1,3}$/.test(text ?? '')) return undefined;
  const now = new Date();
  const parts = /** @type {string} */ (text).split(':').map(Number).reverse();
  const [minute = 0, hour = 0, day = now.getDate(), month = now.getMonth() + 1] = parts;
  return new Date(now.getFullYear(), month - 1, day, hour, minute).getTime() / 1000;
}
