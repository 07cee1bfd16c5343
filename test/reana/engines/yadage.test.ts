import { describe, expect, it } from 'vitest';
import { never, runOf } from './workflows.js';

const environment = {
  ...{ environment_type: 'docker-encapsulated', image: 'docker.io/library/debian', imagetag: '13' },
  resources: [{ kubernetes_memory_limit: '128Mi' }, { kerberos: true }],
};
const script = (text: string) => ({ process_type: 'interpolated-script-cmd', interpreter: 'bash', script: text });
const file = { publisher_type: 'frompar-pub', outputmap: { file: 'out' } };
// JSON is YAML
const steps = JSON.stringify({
  generate: { process: script("sleep 0.5; echo $GREETING {events} > '{out}'"), environment, publisher: file },
  count: {
    process: { process_type: 'string-interpolated-cmd', cmd: "wc -c < '{input}' > '{out}'" },
    ...{ environment, publisher: file },
  },
  sum: {
    process: script("cat {inputs} | awk '{{s+=$1}} END {{print s}}' > {dir}/sum.txt"),
    environment,
    publisher: { publisher_type: 'interpolated-pub', glob: true, publish: { file: '{dir}/*.txt' } },
  },
});
const fanOut = `
stages:
  - name: read
    dependencies: [init]
    scheduler:
      scheduler_type: multistep-stage
      parameters: {events: {stages: init, output: events, unwrap: true}, out: '{workdir}/data.txt'}
      step: {$ref: 'workflow/steps.yml#/generate'}
      scatter: {method: zip, parameters: [events]}
  - name: count
    dependencies: [read]
    scheduler:
      scheduler_type: multistep-stage
      parameters: {input: {stages: read, output: file}, out: '{workdir}/count.txt'}
      step: {$ref: 'workflow/steps.yml#/count'}
      scatter: {method: zip, parameters: [input]}
  - name: sum
    dependencies: [count]
    scheduler:
      scheduler_type: singlestep-stage
      parameters: {inputs: {stages: count, output: file}, dir: '{workdir}'}
      step: {$ref: 'workflow/steps.yml#/sum'}
`;

describe('yadage workflows', () => {
  it('fan out and merge', { timeout: 300_000 }, async () => {
    const {
      run,
      engine,
      steps: taken,
      seen,
      said,
      read,
      started,
      graph,
    } = await runOf('yadage', {
      files: { 'workflow/main.yml': fanOut, 'workflow/steps.yml': steps },
      ...{ file: 'workflow/main.yml', parameters: { events: [1, 22, 333, 4444, 55555, 6] } },
    });
    await engine.run(run, never).catch(error => {
      throw new Error(said.join(''), { cause: error });
    });
    expect(await read('sum/sum.txt')).toBe('58\n');
    expect((await started()).length).toBe(13);
    expect(taken.requests[0]).toMatchObject({
      ...{ image: 'docker.io/library/debian:13', resources: { memory: 128 } },
    });
    expect(taken.requests[0]?.shown).toMatch(/^sleep 0.5; echo \$GREETING \d+ > '.*\/data.txt'$/);
    expect(taken.widest).toBeGreaterThan(1);
    expect(seen.at(-1)).toMatchObject({ total: 13, running: [], failed: [] });
    expect(seen.at(-1)?.finished).toHaveLength(13);
    expect(await graph()).toEqual({
      nodes: ['read', 'count', 'sum'],
      edges: [
        ['count', 'sum'],
        ['read', 'count'],
      ],
    });
    expect(new Set(taken.requests.map(({ name }) => name.replace(/_\d+$/, '')))).toEqual(
      new Set(['read', 'count', 'sum']),
    );
  });
});
