import { parseDuration } from '../../units.js';
import type { Output } from '../job.js';
import { known, limit, type QueueInfo, type Survey } from '../survey.js';
import { submit } from './submit.js';
import { refusal } from './words.js';

/** All parallel environments; qconf shows only one at a time. */
const ENVIRONMENTS = 'for pe in $(qconf -spl); do qconf -sp "$pe"; done';

export const survey: Survey = {
  title: 'Grid Engine',
  programs: ['qsub', 'qstat', 'qdel'],

  version: {
    command: { argv: ['qstat', '-help'] },
    // SGE 8.1.9, UGE 8.6.18, GE 2011.11, OGS/GE …
    parse: out => /^((?:[A-Z]+\/)?\w*GE) (\d\S*)/m.exec(out.stdout)?.[2],
  },

  queues: {
    commands: [{ argv: ['qconf', '-sq', '*'] }, { argv: ['sh', '-c', ENVIRONMENTS] }],
    parse([queues, environments]) {
      if (queues?.exitCode !== 0) return refused(queues);
      const ofOneNode = blocks(environments?.stdout ?? '', 'pe_name')
        .filter(pe => pe.get('allocation_rule') === '$pe_slots' && Number(pe.get('slots')) > 1)
        .map(pe => pe.get('pe_name') as string);
      return blocks(queues.stdout, 'qname')
        .filter(queue => /BATCH/.test(queue.get('qtype') ?? 'BATCH'))
        .map((queue, _, all) => queueOf(queue, ofOneNode, all.length === 1));
    },
  },

  testSubmit: {
    command(job) {
      const { argv, stdin } = submit(job);
      // -w v checks against the configuration of the queues, not against their present load, qsub(1)
      return { argv: [...argv, '-w', 'v'], ...(stdin === undefined ? {} : { stdin }) };
    },
    parse(out) {
      const found = /^verification: (found .*)$/m.exec(`${out.stdout}\n${out.stderr}`)?.[1];
      return out.exitCode === 0 && found ? found : refused(out);
    },
  },
};

function queueOf(values: ReadonlyMap<string, string>, ofOneNode: readonly string[], only: boolean): QueueInfo {
  const environments = values.get('pe_list')?.split(/[\s,]+/) ?? [];
  // `4,[c1=8],[@big=64]`: the usual value first, then exceptions
  const first = (key: string): string => values.get(key)?.split(',')[0] ?? '';
  const time = first('h_rt');
  return {
    // a job that names no queue runs wherever it fits
    ...{ name: values.get('qname') as string, default: only, open: true, shared: true },
    ...known({
      walltime: limit(time) ?? parseDuration(time),
      cores: limit(first('slots')),
      parallelEnvironment: ofOneNode.find(pe => environments.includes(pe)),
    }),
  };
}

/** qconf's `name value` lines, as one map per block that begins with `first`. */
function blocks(text: string, first: string): Map<string, string>[] {
  const found: Map<string, string>[] = [];
  for (const line of text.replaceAll(/\\\n\s*/g, ' ').split('\n')) {
    const [, name, value = ''] = /^(\w+)\s(.*)$/s.exec(line) ?? [];
    if (name === undefined) continue;
    if (name === first) found.push(new Map());
    found.at(-1)?.set(name, value.trim());
  }
  return found;
}

/** Always throws the adapter's error for a refusal, with its hint. */
function refused(out: Output | undefined): never {
  const said = (out?.stderr || out?.stdout || '').replaceAll(/^verification: /gm, 'error: ');
  throw refusal('qsub', { stdout: '', stderr: said, exitCode: out?.exitCode || 1 });
}
