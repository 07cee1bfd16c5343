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
  'session',
  'run',
  'outputs',
  'main',
];

/**
 * The script that runs a step on a node: a plain POSIX sh, which needs no other files than those that HTCondor transfers.
 */
export function wrapperScript(): string {
  const texts = parts.map(part => plain(`step/${part}.sh`));
  // needs bash, which the wrapper itself does not
  const channel = `channel_script() { cat <<'END_OF_CHANNEL'\n${plain('session/channel.sh')}END_OF_CHANNEL\n}\n`;
  return texts.toSpliced(-1, 0, channel).join('\n');
}

const plain = (name: string): string => templateText(name).replace(/^# shellcheck shell=.*\n/, '');
