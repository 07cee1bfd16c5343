import { SchedulerError } from '../../errors.js';
import { known, limit, type QueueInfo, type Survey, usualSize } from '../survey.js';
import { limited } from './limited.js';

const asked = (...argv: string[]): { argv: string[] } => ({ argv: limited(20, ...argv) });

export const survey: Survey = {
  title: 'LSF',
  programs: ['bsub', 'bjobs', 'bkill'],

  version: {
    command: asked('bsub', '-V'),
    parse: out => versionIn(`${out.stdout}\n${out.stderr}`),
  },

  node: {
    command: asked('bhosts', '-w'),
    parse(out) {
      // HOST_NAME STATUS JL/U MAX …: the number of jobs is the number of slots
      const slots = out.stdout.split('\n').flatMap(line => /^\S+ +(?!STATUS)\S+ +\S+ +(\d+) /.exec(line)?.[1] ?? []);
      return usualSize(slots.map(cores => ({ cores: Number(cores) })));
    },
  },

  queues: {
    commands: [asked('bqueues', '-l')],
    parse([queues]) {
      if (queues?.exitCode !== 0) {
        const said = queues?.stderr.trim().split('\n').slice(-3).join('; ');
        throw new SchedulerError(`LSF's bqueues could not list the queues: ${said || 'no answer'}`);
      }
      return queues.stdout
        .split(/^QUEUE: /m)
        .slice(1)
        .map(queueOf);
    },
  },
};

/** `IBM Spectrum LSF Standard 10.1.0.9, Oct 16 2019` → 10.1.0.9 */
function versionIn(text: string): string | undefined {
  for (const line of text.split('\n')) {
    const at = line.search(/\b(?:LSF|OpenLava) /i);
    const version = at < 0 ? undefined : /(?<!\d)\d+(?:\.\d+)+/.exec(line.slice(at))?.[0];
    if (version !== undefined) return version;
  }
  return undefined;
}

function queueOf(text: string): QueueInfo {
  const name = text.slice(0, text.indexOf('\n')).trim();
  const status = /^[ \t]*-?\d+[ \t]+-?\d+[ \t]+(\w+:\w+)/m.exec(text)?.[1] ?? 'Open:Active';
  // minutes, on the line below the name; if there are default limits, too, they come first
  const minutes = [...text.matchAll(/^ *RUNLIMIT.*\n *(\d+(?:\.\d+)?) min/gm)].at(-1)?.[1];
  const users = /^USERS: (.*)$/m.exec(text)?.[1]?.trim() ?? '';
  const words = [
    ...(status === 'Open:Active' ? [] : [status]),
    ...(/^all( users)?$|^$/.test(users) ? [] : [`only for ${users}`]),
  ];
  const perUser = /^[ \t]*-?\d+[ \t]+-?\d+[ \t]+\w+:\w+[ \t]+\S+[ \t]+(\S+)/m.exec(text)?.[1];
  return {
    ...{ name, default: /default queue/i.test(text.split('PARAMETERS/STATISTICS')[0] ?? '') },
    ...{ open: status.startsWith('Open'), shared: true },
    ...known({
      word: words.length > 0 ? words.join(', ') : undefined,
      walltime: minutes === undefined ? undefined : Math.round(Number(minutes) * 60),
      jobs: limit(perUser),
    }),
  };
}
