import { run, tool } from './programs.js';
import { say } from './say.js';

/** @param {string[]} args of `npm run lab` */
export const lab = args => run(tool('tsx'), ['test/lab/cli.ts', ...args]);

/** Builds what labs share, so that no time limit has to cover it. A machine that can't have labs is fine. */
export async function prepareLab() {
  say('preparing the lab');
  if ((await lab(['prepare'])) !== 0) say('no lab on this machine: what needs one is skipped or fails');
}

/** Takes down what killed tests left up. */
export async function reapLabs() {
  say('taking down labs whose makers died');
  await lab(['down', '--stale']);
}
