import { formatDuration } from '../units.js';
import { ok, type Stage, warning } from './stage.js';

/**
 * With a larger difference, tokens and proxies made on one side may soon be not yet valid, or expired, on the other.
 * Seconds.
 */
const TOLERABLE = 10;

export const nodeClock: Stage = {
  id: 'node-clock',
  title: 'Clock of the node',

  async run({ facts }) {
    const { clockSkew, node } = facts.get('found');
    if (Math.abs(clockSkew) <= TOLERABLE) return ok(`${node} and the login node agree, as far as one can tell`);
    const how = clockSkew > 0 ? 'ahead of' : 'behind';
    return warning(
      `the clock of ${node} is at least ${formatDuration(Math.abs(clockSkew))} ${how} the login node's`,
      'tell the site: if clocks differ, tokens and certificates are refused',
    );
  },
};
