/**
 * A search for new physics as a workflow of the shape of REANA's BSM-search demonstration: 67 jobs in 11 levels, up to
 * 15 of them at a time. Stand-ins for its programs write down what they were given, so that the last file tells the
 * whole history.
 */
const script = (text: string) => ({ process_type: 'interpolated-script-cmd', interpreter: 'bash', script: text });
const environment = { environment_type: 'docker-encapsulated', image: 'docker.io/example/analysis', imagetag: '1' };
const publisher = { publisher_type: 'frompar-pub', outputmap: { file: 'out' } };

const programs = {
  generate: { process: script('echo "generate {kind} {events}" > {out}'), environment, publisher },
  change: { process: script('sed "s|^|{how} |" {input} > {out}'), environment, publisher },
  add: { process: script('cat {inputs} | sort > {out}'), environment, publisher },
  addAll: { process: script('cat {signal} {data} {backgrounds} | sort > {out}'), environment, publisher },
  model: {
    process: script('mkdir -p {dir}/results && cat {input} > {dir}/results/model_combined.txt'),
    environment,
    publisher: { publisher_type: 'interpolated-pub', glob: true, publish: { file: '{dir}/results/*combined*' } },
  },
  plot: {
    process: script('wc -l < {input} > {dir}/prefit.txt; sort -u {input} > {dir}/postfit.txt'),
    environment,
    publisher: { publisher_type: 'interpolated-pub', glob: false, publish: { file: '{dir}/postfit.txt' } },
  },
};

type Parameters = Record<string, unknown>;
const init = (output: string) => ({ stages: 'init', output, unwrap: true });
const step = (program: keyof typeof programs) => ({ step: { $ref: `programs.yml#/${program}` } });
const top = (program: keyof typeof programs) => ({ step: { $ref: `workflow/programs.yml#/${program}` } });

function stage(name: string, dependencies: readonly string[], what: object, parameters: Parameters, more: object = {}) {
  const scheduler = { scheduler_type: 'singlestep-stage', parameters, ...what, ...more };
  return { name, dependencies, scheduler };
}

const each = (parameter: string, batchsize?: number) => ({
  ...{ scheduler_type: 'multistep-stage', scatter: { method: 'zip', parameters: [parameter] } },
  ...(batchsize === undefined ? {} : { batchsize }),
});

const generate = (kind: unknown) =>
  stage(
    'read',
    ['init'],
    step('generate'),
    { events: init('events'), kind, out: '{workdir}/data.txt' },
    each('events'),
  );
const merge = (name: string, from: string, batchsize: number) =>
  stage(
    name,
    [from],
    step('add'),
    { inputs: { stages: from, output: 'file' }, out: '{workdir}/merged.txt' },
    each('inputs', batchsize),
  );
const change = (name: string, from: string, how: unknown) =>
  stage(
    name,
    [from],
    step('change'),
    { input: { stages: from, output: 'file' }, how, out: `{workdir}/${name}.txt` },
    each('input'),
  );
const add = (name: string, from: readonly string[], stages = from.join(',')) =>
  stage(name, from, step('add'), { inputs: { stages, output: 'file' }, out: '{workdir}/merged.txt' });

/** Read from within, each a shape variation: select, merge, histogram. */
const shape = [
  stage(
    'select',
    ['init'],
    step('change'),
    { input: init('input'), how: 'select', out: '{workdir}/selected.txt' },
    each('input'),
  ),
  ...[merge('merge', 'select', 2), change('hist', 'merge', 'shape')],
];

/** Two batches of events each: 4 generate, 2 merge, 2×(2+1+1) shapes, 2+1+1 weights, 3 sums: 21 jobs. */
const simulated = [
  ...[generate(init('kind')), merge('merge', 'read', 2)],
  stage(
    'shapes',
    ['merge'],
    { workflow: { $ref: 'shape.yml' } },
    { input: { stages: 'merge', output: 'file' }, variation: init('variations') },
    each('variation'),
  ),
  ...[
    change('select', 'merge', 'select'),
    merge('select_merge', 'select', 2),
    change('hist', 'select_merge', 'weights'),
  ],
  ...[add('weights', ['hist']), add('sum_shapes', ['shapes'], 'shapes[*].hist'), add('all', ['weights', 'sum_shapes'])],
];

/** 5 generate, 1 merge, and 1+1+1 for each of two regions, one sum: 13 jobs. */
const data = [
  ...[generate('data'), merge('merge', 'read', 6)],
  ...['signal', 'control'].flatMap(region => [
    ...[
      change(region, 'merge', region),
      merge(`${region}_merge`, region, 6),
      change(`${region}_hist`, `${region}_merge`, 'hist'),
    ],
  ]),
  add('all', ['signal_hist', 'control_hist']),
];

/** 2 generate, and one each of merge, select, merge, histogram, sum: 7 jobs. */
const signal = [
  ...[generate('signal'), merge('merge', 'read', 2), change('select', 'merge', 'select')],
  ...[merge('select_merge', 'select', 2), change('hist', 'select_merge', 'hist'), add('all', ['hist'])],
];

const backgrounds = [
  stage(
    'run',
    ['init'],
    { workflow: { $ref: 'simulated.yml' } },
    { events: init('events'), kind: init('kinds'), variations: [['up'], ['down']] },
    each('kind'),
  ),
  add('merge', ['run'], 'run[*].all'),
];

const flow = (file: string) => ({ workflow: { $ref: `workflow/${file}.yml` } });
const input = (stages: string) => ({ stages, output: 'file', unwrap: true });
const main = [
  stage('backgrounds', [], flow('backgrounds'), { events: [1, 2, 3, 4], kinds: ['mc1', 'mc2'] }),
  stage('data', [], flow('data'), { events: [5, 6, 7, 8, 9] }),
  stage('signal', [], flow('signal'), { events: [10, 11] }),
  stage('merge', ['backgrounds', 'data', 'signal'], top('addAll'), {
    ...{ backgrounds: input('backgrounds[*].merge'), data: input('data[*].all'), signal: input('signal[*].all') },
    out: '{workdir}/merged.txt',
  }),
  stage('model', ['merge'], top('model'), { input: input('merge'), dir: '{workdir}' }),
  stage('plot', ['model'], top('plot'), { input: input('model'), dir: '{workdir}' }),
  stage('hepdata', ['model'], top('change'), { input: input('model'), how: 'table', out: '{workdir}/table.txt' }),
];

const stagesOf = { main, backgrounds, simulated, shape, data, signal };

/** Files of the workspace; JSON is YAML. */
export const bsmSearch: Readonly<Record<string, string>> = {
  'workflow/programs.yml': JSON.stringify(programs),
  ...Object.fromEntries(
    Object.entries(stagesOf).map(([name, stages]) => [`workflow/${name}.yml`, JSON.stringify({ stages })]),
  ),
};

/** The lines of the merged file, as follows from the graph. */
export function expected(): string[] {
  const simulatedLines = ['mc1', 'mc2'].flatMap(kind =>
    [1, 2, 3, 4].flatMap(n => ['shape', 'shape', 'weights'].map(how => `${how} select generate ${kind} ${n}`)),
  );
  const dataLines = [5, 6, 7, 8, 9].flatMap(n =>
    ['signal', 'control'].map(region => `hist ${region} generate data ${n}`),
  );
  const signalLines = [10, 11].map(n => `hist select generate signal ${n}`);
  return [...simulatedLines, ...dataLines, ...signalLines].sort();
}
