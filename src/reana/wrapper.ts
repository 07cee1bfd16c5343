import { templateText } from '../templates.js';

/** In this order; each uses definitions of those before it. */
const parts = [
  'begin',
  'account',
  'names',
  'cache',
  'inputs',
  'binds',
  'store',
  'image',
  'runtime',
  'choose',
  'run',
  'outputs',
  'main',
];

/**
 * The script that runs a step on a node: a plain POSIX sh, which needs no other files than those that HTCondor transfers.
 */
export function wrapperScript(): string {
  const texts = parts.map(part => templateText(`step/${part}.sh`).replace(/^# shellcheck shell=.*\n/, ''));
  return texts.join('\n');
}
