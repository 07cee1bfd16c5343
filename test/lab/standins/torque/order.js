import { refuses } from '../answer.js';
import { duration, seconds } from '../clock.js';
import { beginOf, directivesOf } from '../family.js';
import { getopt, last } from '../getopt.js';

/** @typedef {import('./site.js').Site} Site */
/** @typedef {import('../answer.js').Answer} Answer */
/** @typedef {import('../getopt.js').Option} Option */

/** @typedef {import('../family.js').Typed} Typed */

/** A job as the server has it on record.
 * @typedef {object} Order
 * @property {string} name
 * @property {string} user
 * @property {string} host
 * @property {string} dir
 * @property {string | undefined} initial
 * @property {string} queue
 * @property {string | undefined} account
 * @property {string | undefined} output path, or directory with a / at its end
 * @property {string | undefined} error
 * @property {string} join
 * @property {string} mail
 * @property {boolean} rerunable
 * @property {boolean} held
 * @property {number | undefined} begin epoch seconds
 * @property {string | undefined} depend
 * @property {string | undefined} array
 * @property {string | undefined} shell
 * @property {readonly (readonly [string, string])[]} resources
 * @property {readonly (readonly [string, string])[]} variables
 * @property {string} args
 */

const LETTERS = 'a:A:b:c:C:d:D:e:fhIj:J:k:K:l:m:M:N:o:p:P:q:r:S:t:T:u:v:Vw:W:xXz';

const USAGE = `usage: qsub [-a date_time] [-A account_string] [-b secs]
    [-c [ none | { enabled | periodic | shutdown |
    depth=<int> | dir=<path> | interval=<minutes>}... ]
    [-C directive_prefix] [-d path] [-D path]
    [-e path] [-h] [-I] [-j oe|eo|n] [-k {oe}] [-K <kill delay seconds>] 
    [-l resource_list] [-m n|{abe}] [-M user_list] [-N jobname] [-o path] 
    [-p priority] [-P proxy_user [-J <jobid]] [-q queue] [-r y|n] 
    [-S path] [-t number_to_submit] [-T type]  [-u user_list] [-w] path
    [-W additional_attributes] [-v variable_list] [-V ] [-x] [-X] [-z] [script]
`;

/** @param {Typed} typed @param {Site} site @returns {{ order: Order, script: string } | { refusal: Answer }} */
export function orderOf(typed, site) {
  const { options, operands } = getopt(typed.args, LETTERS);
  const path = operands[0] ?? '-';
  const script = path === '-' ? typed.stdin() : typed.file(path);
  if (script === undefined) {
    return { refusal: refuses(1, `qsub: script file '${path}' cannot be loaded - No such file or directory`) };
  }
  if (path === '/dev/null') return { refusal: refuses(1, 'qsub: script not a file') };
  const directives = getopt(directivesOf(script), LETTERS).options;
  const all = [...directives.filter(d => d.name === 'l' || !options.some(o => o.name === d.name)), ...options];

  const name = last(all, 'N') ?? (path === '-' ? 'STDIN' : path.replace(/.*\//, ''));
  if (/\s/.test(name) || name.length > 1000) return { refusal: refuses(2, `[qsub: illegal -N value]\n\n${USAGE}`) };
  const queue = (last(all, 'q') ?? '').replace(/@.*/, '') || /** @type {string} */ (Object.keys(site.queues)[0]);
  const proxy = last(all, 'P');
  const refusal = refused({ all, queue, proxy, user: typed.user }, site);
  if (refusal) return { refusal };

  const initial = last(all, 'd');
  const [output, join] = [last(all, 'o'), last(all, 'j') ?? 'n'];
  const error = join === 'oe' && output !== undefined ? output : last(all, 'e');
  const order = {
    ...{ user: typed.user, host: typed.host, dir: initial ?? typed.dir, initial, queue, output, error, join },
    ...{ name: name === '' ? 'none' : name, account: last(all, 'A'), mail: last(all, 'm') ?? 'a' },
    ...{ rerunable: last(all, 'r') !== 'n', held: all.some(o => o.name === 'h'), begin: beginOf(last(all, 'a')) },
    ...{ depend: /depend=([^,]+)/.exec(last(all, 'W') ?? '')?.[1], array: last(all, 't'), shell: last(all, 'S') },
    resources: resourcesOf(all, site, queue),
    variables: variablesOf(typed, all, site, queue, initial),
    args: typed.args.join(' '),
  };
  return { order, script };
}

/** `nodes=1:ppn=2,walltime=5` @param {readonly Option[]} options @returns {[string, string][]} */
const asked = options =>
  options.flatMap(({ name, value }) =>
    name !== 'l'
      ? []
      : value
          .split(',')
          .map(item => /** @type {[string, string]} */ ([item.split('=')[0] ?? '', item.replace(/^[^=]*=?/, '')])),
  );

const KNOWN =
  /^(nodes|walltime|mem|pmem|vmem|pvmem|cput|pcput|procs|ncpus|file|nice|qos|gres|feature|naccesspolicy|software|arch|host|other)$/;

/**
 * @param {{ all: Option[], queue: string, proxy: string | undefined, user: string }} job @param {Site} site
 * @returns {Answer | undefined}
 */
function refused({ all, queue: name, proxy, user }, site) {
  const [queue, who] = [site.queues[name], `user ${user}@${site.server}, queue ${name}`];
  const limits = 'Job exceeds queue resource limits MSG=cannot';
  if (proxy !== undefined) {
    return error(
      177,
      `Bad UID for job execution MSG=User '${user}' is attempting to submit a proxy job for user '${proxy}' but is not a manager`,
    );
  }
  const resources = asked(all);
  const strange = resources.find(([key]) => !KNOWN.test(key));
  if (strange) return error(189, `Unknown resource type  Resource_List.${strange[0]}`);
  const walltime = resources.findLast(([key]) => key === 'walltime')?.[1];
  const wanted = seconds(walltime ?? '0');
  if (wanted === undefined) return error(168, 'Illegal attribute or resource value for Resource_List.walltime');
  if (!queue) return error(172, 'Unknown queue MSG=requested queue not found');
  if (!queue.enabled) return error(175, `Queue is not enabled MSG=queue is disabled: ${who}`);
  if (queue.users && !queue.users.includes(user)) {
    return error(159, `Unauthorized Request  MSG=user ACL rejected the submitting user: ${who}`);
  }
  if (queue.limit && wanted > (seconds(queue.limit) ?? 0))
    return error(190, `${limits} satisfy queue max walltime requirement`);
  if (!isFeasible(resources.findLast(([key]) => key === 'nodes')?.[1] ?? '1', site)) {
    return error(
      190,
      `${limits} locate feasible nodes (nodes file is empty, all systems are busy, or no nodes have the requested feature)`,
    );
  }
  const array = last(all, 't');
  if (array !== undefined && !isArray(array)) return error(235, 'Bad Job Array Request');
  return undefined;
}

/** @param {number} exit @param {string} text @returns {Answer} */
export const error = (exit, text) => refuses(exit, `qsub: submit error (${text})`);

/** @param {string} array @returns {boolean} */
function isArray(array) {
  if (!/^\d+(-\d+)?(,\d+(-\d+)?)*(%\d+)?$/.test(array)) return false;
  return array
    .split(/[,%]/)
    .every(range => Number(range.split('-')[1] ?? Number.MAX_VALUE) >= Number(range.split('-')[0]));
}

/** @param {string} request @param {Site} site @returns {boolean} */
function isFeasible(request, { nodes }) {
  const [first = '1', ...properties] = request.split(':');
  const cores = perNode(request);
  const strange = properties.some(property => !/^(ppn|gpus)=\d+$/.test(property));
  const found = nodes.filter(node => node.cores >= cores && (/^\d+$/.test(first) || node.name === first));
  return !strange && found.length >= (/^\d+$/.test(first) ? Number(first) : 1);
}

/** @param {string} request @returns {number} */
export const perNode = request => Number(/ppn=(\d+)/.exec(request)?.[1] ?? 1);
/** @param {string} request @returns {number} */
export const nodeCount = request => Number(/^(\d+)(:|$)/.exec(request)?.[1] ?? 1);

/**
 * Those of the script that the command line doesn't name, then those it does, then the queue's.
 * @param {readonly Option[]} all @param {Site} site @param {string} queue @returns {[string, string][]}
 */
function resourcesOf(all, site, queue) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const [key, value] of asked(all)) {
    found.delete(key);
    found.set(key, key === 'walltime' ? duration(seconds(value) ?? 0) : value);
  }
  const given = found.has('nodes');
  /** @type {[string, string][]} */
  const count = [['nodect', String(nodeCount(found.get('nodes') ?? '1'))]];
  const defaults = (site.queues[queue]?.defaults ?? [])
    .filter(([key]) => !found.has(key))
    .map(([k, v]) => /** @type {[string, string]} */ ([k, v]));
  return given ? [...found, ...count, ...defaults] : [...found, ...defaults, ...count];
}

/**
 * @param {Typed} typed @param {readonly Option[]} all @param {Site} site @param {string} queue
 * @param {string | undefined} initial @returns {[string, string][]}
 */
function variablesOf({ env, user, host, dir }, all, site, queue, initial) {
  /** @param {string} name @returns {[string, string][]} */
  const own = name => (env[name] === undefined ? [] : [[`PBS_O_${name}`, /** @type {string} */ (env[name])]]);
  const given = (last(all, 'v') ?? '').split(',').filter(Boolean);
  /** @type {[string, string][]} */
  const named = given.map(item => [
    item.split('=')[0] ?? '',
    item.includes('=') ? item.replace(/^[^=]*=/, '') : (env[item] ?? ''),
  ]);
  const everything = all.some(o => o.name === 'V');
  /** @type {[string, string][]} */
  const rest = everything ? Object.entries(env).map(([k, v]) => [k, v ?? '']) : [];
  const where = /** @type {[string, string][]} */ ([
    ...(initial ? [['PBS_O_INITDIR', initial]] : []),
    ...[
      ['PBS_O_WORKDIR', initial ?? dir],
      ['PBS_O_HOST', host],
      ['PBS_O_SERVER', site.server],
    ],
  ]);
  const about = [
    ...own('HOME'),
    ...(env.LOGNAME ? own('LOGNAME') : /** @type {[string, string][]} */ ([['PBS_O_LOGNAME', user]])),
  ];
  const start = /** @type {[string, string][]} */ ([
    ['PBS_O_QUEUE', queue],
    ...about,
    ...['PATH', 'MAIL', 'SHELL', 'LANG'].flatMap(own),
  ]);
  return everything ? [...start, ...where, ...named, ...rest] : [...start, ...named, ...where];
}
