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
 * @property {string} queue
 * @property {string | undefined} account
 * @property {string} project
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
 * @property {Chunk} chunk
 * @property {readonly (readonly [string, string])[]} resources
 * @property {readonly (readonly [string, string])[]} variables
 * @property {string} args
 */

/** @typedef {{ count: number, cores: number, memory: string | undefined }} Chunk */

const LETTERS = 'a:A:c:C:e:fhIj:J:k:l:m:M:N:o:p:P:q:r:R:S:u:W:v:VXz';

const USAGE = `usage: qsub [-a date_time] [-A account_string] [-c interval]
	[-C directive_prefix] [-e path] [-f ] [-h ] [-I [-X]] [-j oe|eo] [-J X-Y[:Z]]
	[-k keep] [-l resource_list] [-m mail_options] [-M user_list]
	[-N jobname] [-o path] [-p priority] [-P project] [-q queue] [-r y|n]
	[-R o|e|oe] [-S path] [-u user_list] [-W otherattributes=value...]
	[-v variable_list] [-V ] [-z] [script | -- command [arg1 ...]]
       qsub --version`;

/** @param {Typed} typed @param {Site} site @returns {{ order: Order, script: string } | { refusal: Answer }} */
export function orderOf(typed, site) {
  const { options, operands } = getopt(typed.args, LETTERS);
  const path = operands[0] ?? '-';
  const script = path === '-' ? typed.stdin() : typed.file(path);
  if (script === undefined) return { refusal: refuses(1, 'qsub: script file:: No such file or directory') };
  const directives = getopt(directivesOf(script), LETTERS).options;
  const all = [...directives.filter(d => d.name === 'l' || !options.some(o => o.name === d.name)), ...options];

  const name = last(all, 'N') ?? (path === '-' ? 'STDIN' : path.replace(/.*\//, ''));
  const queue = (last(all, 'q') ?? '').replace(/@.*/, '') || /** @type {string} */ (Object.keys(site.queues)[0]);
  const resources = resourcesOf(all);
  const variables = variablesOf(typed, all, queue);
  const array = last(all, 'J');
  const refusal =
    misnamed(name) ??
    badArray(array, last(options, 'r') === 'n', last(directives, 'r') === 'n') ??
    (variables ? undefined : refuses(1, 'qsub: cannot send environment with the job')) ??
    refused(resources, queue, typed.user, site);
  if (refusal || !variables) return { refusal: refusal ?? refuses(1, '') };

  const chunk = chunkOf(resources);
  const order = {
    ...{ name, user: typed.user, host: typed.host, dir: typed.dir, queue, variables, chunk, array },
    ...{ output: last(all, 'o'), error: last(all, 'e'), join: last(all, 'j') ?? 'n', mail: last(all, 'm') ?? 'a' },
    ...{ account: last(all, 'A'), project: last(all, 'P') ?? '_pbs_project_default', shell: last(all, 'S') },
    ...{ rerunable: last(all, 'r') !== 'n', held: all.some(o => o.name === 'h'), begin: beginOf(last(all, 'a')) },
    depend: /depend=([^,]+)/.exec(last(all, 'W') ?? '')?.[1],
    resources: listOf(resources, chunk, site.queues[queue]?.walltime),
    args: typed.args.join(' '),
  };
  return { order, script };
}

/** @param {string} name @returns {Answer | undefined} */
function misnamed(name) {
  if (name === '' || /[\s/:@]/.test(name)) return refuses(2, `qsub: illegal -N value\n${USAGE}`);
  return name.length > 230 ? refuses(2, 'qsub: Job name is too long ') : undefined;
}

/**
 * @param {string | undefined} array @param {boolean} typed `-r n` on the command line
 * @param {boolean} directive `-r n` in the script @returns {Answer | undefined}
 */
function badArray(array, typed, directive) {
  if (array === undefined) return undefined;
  const [, first, end] = /^(\d+)-(\d+)(?::\d+)?$/.exec(array) ?? [];
  if (first === undefined || Number(end) <= Number(first)) return refuses(2, `qsub: illegal -J value\n${USAGE}`);
  const complaint = 'qsub:  cannot submit non-rerunable Array Job';
  if (typed) return refuses(1, complaint);
  if (directive) return refuses(1, `${complaint}\nqsub: directive error: -r n `);
  return Number(end) > 10000 ? refuses(3, 'qsub: Array job exceeds server or queue size limit') : undefined;
}

/** @param {readonly Option[]} options @returns {Map<string, string>} */
function resourcesOf(options) {
  const lists = options.filter(o => o.name === 'l').flatMap(o => o.value.split(','));
  return new Map(lists.map(item => [item.split('=')[0] ?? '', item.replace(/^[^=]*=?/, '')]));
}

const KNOWN =
  /^(select|place|nodes|walltime|cput|pcput|mem|pmem|vmem|pvmem|ncpus|ngpus|mpiprocs|ompthreads|host|vnode|arch|file|nice|software)$/;

/**
 * @param {ReadonlyMap<string, string>} resources @param {string} name @param {string} user @param {Site} site
 * @returns {Answer | undefined}
 */
function refused(resources, name, user, site) {
  const over = 'qsub: Job violates queue and/or server resource limits';
  const strange = [...resources.keys()].find(key => !KNOWN.test(key));
  if (strange !== undefined) return refuses(187, `qsub: Unknown resource Resource_List.${strange}`);
  const select = resources.get('select');
  if (select !== undefined && resources.has('nodes'))
    return refuses(6, 'qsub: Cannot be used with select or place: nodes');
  const inside = (select ?? '')
    .split(/[:+]/)
    .filter(part => part.includes('='))
    .map(part => part.split('=')[0] ?? '');
  const odd = inside.find(key => !KNOWN.test(key));
  if (odd !== undefined) return refuses(187, `qsub: Unknown resource: ${odd}`);
  const wanted = seconds(resources.get('walltime') ?? '0');
  if (wanted === undefined) return refuses(166, 'qsub: Illegal attribute or resource value Resource_List.walltime');
  const queue = site.queues[name];
  if (!queue) return refuses(170, 'qsub: Unknown queue');
  if (!queue.enabled) return refuses(173, 'qsub: Queue is not enabled');
  if (queue.users && !queue.users.includes(user)) return refuses(159, 'qsub: Unauthorized Request ');
  if (queue.limit && wanted > (seconds(queue.limit) ?? 0)) return refuses(188, over);
  const { count, cores } = chunkOf(resources);
  return count * cores > (queue.cores ?? Number.MAX_VALUE) ? refuses(188, over) : undefined;
}

/**
 * `2:ncpus=8:mem=4gb`; `nodes=2:ppn=8` in the older way.
 * @param {ReadonlyMap<string, string>} resources @returns {Chunk}
 */
function chunkOf(resources) {
  const select = resources.get('select') ?? resources.get('nodes')?.replace('ppn=', 'ncpus=') ?? '1';
  const parts = select.split(':');
  const value = (/** @type {string} */ key) => parts.find(part => part.startsWith(`${key}=`))?.replace(/.*=/, '');
  const cores = value('ncpus') ?? resources.get('ncpus') ?? '1';
  return {
    count: /^\d+$/.test(parts[0] ?? '') ? Number(parts[0]) : 1,
    cores: Number(cores),
    memory: value('mem') ?? resources.get('mem'),
  };
}

/** `500gb` times two is `1000gb`. @param {string} amount @param {number} count @returns {string} */
const times = (amount, count) => amount.replace(/\d+/, number => String(Number(number) * count));

/**
 * What PBS makes of a request, by name.
 * @param {ReadonlyMap<string, string>} resources @param {Chunk} chunk @param {string | undefined} walltime
 * @returns {[string, string][]}
 */
function listOf(resources, chunk, walltime) {
  const { count, cores, memory } = chunk;
  const old = resources.has('nodes');
  const own = old ? [`ncpus=${cores}`, ...(memory ? [`mem=${memory}`] : []), `mpiprocs=${cores}`] : [`ncpus=${cores}`];
  const limit = resources.get('walltime');
  /** @type {[string, string | undefined][]} */
  const list = [
    ['mem', memory && times(memory, count)],
    ['mpiprocs', old ? String(count * cores) : undefined],
    ['ncpus', String(count * cores)],
    ['nodect', String(count)],
    ['nodes', resources.get('nodes')],
    ['place', resources.get('place') ?? (old ? 'scatter' : resources.has('select') ? 'free' : 'pack')],
    ['select', resources.get('select') ?? [count, ...own].join(':')],
    ['walltime', limit === undefined ? walltime : duration(seconds(limit) ?? 0)],
  ];
  return list.flatMap(([key, value]) => (value === undefined ? [] : [/** @type {[string, string]} */ ([key, value])]));
}

/**
 * @param {Typed} typed @param {readonly Option[]} all @param {string} queue
 * @returns {[string, string][] | undefined} nothing for a variable that isn't set
 */
function variablesOf({ env, dir, host }, all, queue) {
  /** @param {string} name @returns {[string, string][]} */
  const own = name => (env[name] === undefined ? [] : [[`PBS_O_${name}`, /** @type {string} */ (env[name])]]);
  const given = last(all, 'v')?.match(/(?:[^,'"]|'[^']*'|"[^"]*")+/g) ?? [];
  /** @type {[string, string][]} */
  const named = [];
  for (const item of given) {
    const name = item.split('=')[0] ?? '';
    const value = item.includes('=') ? item.replace(/^[^=]*=/, '').replaceAll(/['"]/g, '') : env[name];
    if (value === undefined) return undefined;
    named.push([name, value]);
  }
  /** @type {[string, string][]} */
  const rest = all.some(o => o.name === 'V') ? Object.entries(env).map(([k, v]) => [k, v ?? '']) : [];
  return [
    ...['HOME', 'LANG', 'LOGNAME', 'PATH', 'MAIL', 'SHELL'].flatMap(own),
    ...[
      ['PBS_O_INTERACTIVE_AUTH_METHOD', 'resvport'],
      ['PBS_O_INTERACTIVE_ENCRYPT_METHOD', ''],
    ],
    ...[
      ['PBS_O_WORKDIR', dir],
      ['PBS_O_SYSTEM', 'Linux'],
    ],
    ...named,
    ...rest,
    ...[
      ['PBS_O_QUEUE', queue],
      ['PBS_O_HOST', host],
    ],
  ].map(([key, value]) => /** @type {[string, string]} */ ([key, value]));
}
