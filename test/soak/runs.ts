import { createHash } from 'node:crypto';
import { fans } from '../reana/engines/fans.js';
import { cluster, type languages } from './ground.js';
import type { Random } from './random.js';
import { type Begin, countReruns, none, type Tally } from './tally.js';
import { insist, type Work } from './work.js';

/** A workflow, and what its output must be. */
interface Workflow {
  readonly files: Readonly<Record<string, string>>;
  readonly steps: number;
  readonly output: string;
  /** Lines of the output may come in any order. */
  readonly content: string;
}

/** Steps write here when they begin and end: the site's nodes share it. */
const record = '/home/alice/soak-steps';
const clientMs = 8 * 60_000;
const sha = (text: string): string => `${createHash('sha256').update(text).digest('hex')}  -\n`;
const sorted = (text: string): string => text.trim().split('\n').sort().join('\n');

/** Runs of workflows, one after the other; there may be several of these. */
export class Runs {
  /** Of steps. */
  readonly tally: Tally = none();
  /** Of whole runs. */
  readonly runs: Tally = none();
  #count = 0;

  constructor(private readonly work: Work) {}

  async keepOn(random: Random, kinds: readonly ('serial' | (typeof languages)[number])[]): Promise<void> {
    while (!this.work.isOver)
      await this.run(random.of(kinds), random).catch(error => this.work.problem(`a run: ${error}`));
  }

  async run(kind: 'serial' | (typeof languages)[number], random: Random): Promise<void> {
    const { ground, pulse, problem } = this.work;
    const name = `r${++this.#count}`;
    const dir = `soak/${name}`;
    const workflow = kind === 'serial' ? serial(name, random) : other(kind, name, random);
    for (const [file, text] of Object.entries(workflow.files))
      await ground.lab.write('headnode', `${dir}/${file}`, text);
    let said = '';
    let begun = '';
    // whoever runs it does the same as a person: the run goes on without its client, and can be watched again
    const status = await insist(12, async attempt => {
      // a client that was cut off while it asked for the run does not know whether there is one
      const more = begun || attempt % 2 === 1 ? ['--attach', begun || `${name}.1`] : ['--name', name];
      const argv = ['sh', '-c', `cd ${dir} && exec scailfin run --cluster ${cluster} "$@"`, 'run', ...more];
      const ran = await ground.lab.exec('headnode', argv, { timeoutMs: clientMs, check: false });
      said = `${ran.stderr}${ran.stdout}`;
      // only a run that there is can be watched again; one whose client ended before it started waits for its inputs
      begun ||= /scailfin run --attach (r\d+\.\d+)/.exec(said)?.[1] ?? '';
      if (said.includes('never started')) begun = '';
      if (ran.exitCode === 0) return 'finished';
      return /^error: r\d+\.\d+ (failed|was stopped)/m.test(said) ? 'failed' : undefined;
    });
    if (status) pulse.beat();
    const output = status && (await ground.sh(`cat ${dir}/${workflow.output}`));
    const isRight = status === 'finished' && sorted(output ?? '') === sorted(workflow.content);
    if (!status) this.runs.missing++;
    else this.runs.done++;
    if (isRight) this.runs.right++;
    else if (status) this.runs.wrong++;
    if (!isRight)
      problem(
        `run ${begun || name} (${kind}) is not right: ${status ?? 'no end'}; its client said:\n${said.slice(-3000)}`,
      );
    await this.count(name, workflow.steps, isRight);
    if (isRight) await ground.sh(`rm -rf ${dir}`);
  }

  /** What its steps wrote down. */
  private async count(name: string, steps: number, isRight: boolean): Promise<void> {
    const { ground, deaths, note } = this.work;
    const lines = await ground.sh(`grep -F '${name}.' ${record}`, 'login', 'alice');
    const all = [...lines.matchAll(/^(began|ended) (r\d+\.\S+) (\S+) (\d+)$/gm)].filter(m =>
      m[2]?.startsWith(`${name}.`),
    );
    const begins: Begin[] = all
      .filter(m => m[1] === 'began')
      .map(([, , id = '', node = '', at]) => ({ id: `step ${id}`, node, at: Number(at) }));
    const ended = new Set(all.filter(m => m[1] === 'ended').map(m => m[2])).size;
    this.tally.done += ended;
    if (isRight) this.tally.right += ended;
    else this.tally.wrong += ended;
    this.tally.missing += Math.max(0, steps - ended);
    for (const line of countReruns(begins, deaths, this.tally)) note(line);
  }
}

const tell = (what: string, id: string): string => `echo "${what} ${id} $(hostname) $(/bin/date +%s)" >>${record}`;

/** Each step reads what the one before it wrote. */
function serial(name: string, random: Random): Workflow {
  const length = random.whole(2, 4);
  const seed = `${name} ${random.whole(0, 10 ** 9)}`;
  let content = `${seed}\n`;
  const steps = Array.from({ length }, (_, n) => {
    const [from, to] = [n === 0 ? 'seed' : `o${n - 1}`, `o${n}`];
    content = sha(content);
    const work = `${tell('began', `${name}.${n}`)}; sleep ${random.whole(1, 8)}; sha256sum <${from} >${to}; ${tell('ended', `${name}.${n}`)}`;
    return {
      name: `s${n}`,
      environment: '', // a dollar sign would begin a parameter's name
      commands: [work.replaceAll('$', '$$$$')],
    };
  });
  const output = `o${length - 1}`;
  const text = JSON.stringify({
    inputs: { files: ['seed'] },
    workflow: { type: 'serial', specification: { steps } },
    outputs: { files: [output] },
  });
  return { files: { 'reana.yaml': text, seed: `${seed}\n` }, steps: length, output, content };
}

/** Steps beside each other, and one that merges what they wrote. */
function other(kind: (typeof languages)[number], name: string, random: Random): Workflow {
  const width = random.whole(2, 4);
  const mark = random.whole(0, 10 ** 9);
  const id = `${name}.$n`;
  const command = `${tell('began', id)}; sleep ${random.whole(1, 6)}; echo "$n ${mark}"; ${tell('ended', id)}`;
  const { file, files = {}, specification, parameters, merged } = fans[kind](width, command);
  const text = JSON.stringify({
    inputs: { files: Object.keys(files), parameters },
    workflow: { type: kind, file, specification },
    outputs: { files: [merged] },
  });
  const content = Array.from({ length: width }, (_, n) => `${n} ${mark}`).join('\n');
  return { files: { 'reana.yaml': text, ...files }, steps: width, output: merged, content };
}
