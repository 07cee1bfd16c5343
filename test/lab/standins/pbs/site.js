import { refuses } from '../answer.js';

/** @typedef {import('../answer.js').Answer} Answer */

/**
 * @typedef {object} Queue
 * @property {string} [limit] the longest walltime
 * @property {number} [cores] the most of one job
 * @property {string} [walltime] of jobs that don't say
 * @property {boolean} enabled it takes jobs
 * @property {boolean} started it runs jobs
 * @property {readonly string[]} [users] whom it takes jobs from
 */

/**
 * @typedef {object} Site
 * @property {string} server
 * @property {string} host the server's, as it calls itself
 * @property {{ readonly [name: string]: Queue }} queues the first is the default
 */

/**
 * The queues of the recorded server, but for one; a longer day in the lab.
 * @param {string} limit @param {number} cores @returns {Site['queues']}
 */
export const queues = (limit, cores) => ({
  workq: { limit, cores, walltime: '00:30:00', enabled: true, started: true },
  stopped: { enabled: true, started: false },
  disabled: { enabled: false, started: true },
  private: { enabled: true, started: true, users: ['bob'] },
});

/**
 * What each program says, and how it ends, when the server is away.
 * @param {Site} site @param {string} program @param {readonly string[]} args @param {Date} now @returns {Answer}
 */
export function away({ server }, program, args, now) {
  const refused = (/** @type {number} */ exit, /** @type {string} */ text) =>
    refuses(exit, `Connection refused\n${text}`);
  if (program === 'qdel') return refused(162, `Couldn't connect to cluster: ${server}`);
  if (program === 'pbsnodes') return refused(1, `pbsnodes: cannot connect to server ${server}, error=15010`);
  const answer = refused(
    program === 'qstat' ? 255 : 162,
    `${program}: cannot connect to server ${server} (errno=15010)`,
  );
  return args.includes('json') ? { ...answer, stdout: jsonText(server, now, []) } : answer;
}

/**
 * A document with a `Jobs` only where there are some.
 * @param {string} server @param {Date} now @param {readonly string[]} jobs members of it @returns {string}
 */
export function jsonText(server, now, jobs) {
  const start = [
    `"timestamp":\t${Math.floor(now.getTime() / 1000)}`,
    '"pbs_version":\t"23.06.06"',
    `"pbs_server":\t"${server}"`,
  ];
  const rest = jobs.length > 0 ? [`"Jobs":\t{\n${jobs.join(',\n')}\n\t}`] : [];
  return `{\n${[...start, ...rest].map(line => `\t${line}`).join(',\n')}\n}\n`;
}
