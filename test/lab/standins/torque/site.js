import { refuses } from '../answer.js';

/** @typedef {import('../answer.js').Answer} Answer */

/**
 * @typedef {object} Queue
 * @property {string} [limit] the longest walltime
 * @property {readonly (readonly [string, string])[]} defaults resources of jobs that don't name them
 * @property {boolean} enabled it takes jobs
 * @property {boolean} started it runs jobs
 * @property {readonly string[]} [users] whom it takes jobs from
 */

/**
 * @typedef {object} Site
 * @property {string} server
 * @property {string} address of the server
 * @property {{ readonly [name: string]: Queue }} queues the first is the default
 * @property {readonly { readonly name: string, readonly cores: number }[]} nodes
 * @property {number} keepCompleted seconds for which a finished job is told of
 */

/**
 * The queues of the recorded server, but for one; a longer day in the lab.
 * @param {string} limit @returns {Site['queues']}
 */
export const queues = limit => ({
  batch: {
    limit,
    defaults: [
      ['walltime', '01:00:00'],
      ['nodes', '1'],
    ],
    enabled: true,
    started: true,
  },
  stopped: { defaults: [['nodes', '1']], enabled: true, started: false },
  disabled: { defaults: [], enabled: false, started: true },
  private: { defaults: [], enabled: true, started: true, users: ['bob'] },
});

/**
 * @param {Site} site @param {string} program @param {boolean} [persistent] qstat tries three times @returns {Answer}
 */
export function away({ server, address }, program, persistent = false) {
  const attempt = `\nUnable to communicate with ${server}(${address})\nCannot connect to specified server host '${server}'.\n`;
  const verdict = `${program}: cannot connect to server ${server} (errno=111) Connection refused`;
  if (!persistent) return refuses(111, attempt + verdict);
  return refuses(111, `${attempt.repeat(3)}${verdict}\n${program}: Error (111 - Connection refused) `);
}
