import { templateText } from '../templates.js';

/** In this order; each uses what those before it define. */
const parts = ['begin', 'names', 'cache', 'inputs', 'image', 'runtime', 'run', 'outputs', 'main'];

/** The script that runs a step on a node: a plain POSIX sh, with nothing beside it but what HTCondor brings. */
export function wrapperScript(): string {
  const texts = parts.map(part => templateText(`step/${part}.sh`).replace(/^# shellcheck shell=.*\n/, ''));
  return texts.join('\n');
}
