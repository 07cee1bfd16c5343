import { describe, expect, it } from 'vitest';
import { never, runOf } from './workflows.js';

const docker = { class: 'DockerRequirement', dockerPull: 'docker.io/library/debian:13' };
const generate = {
  ...{ class: 'CommandLineTool', id: '#generate', requirements: [docker, { class: 'ShellCommandRequirement' }] },
  hints: [{ class: 'reana', kubernetes_memory_limit: '128Mi' }],
  inputs: [{ id: '#generate/events', type: 'int' }],
  arguments: [{ shellQuote: false, valueFrom: 'echo "$GREETING" $(inputs.events)' }],
  stdout: 'data.txt',
  outputs: [{ id: '#generate/data', type: 'File', outputBinding: { glob: 'data.txt' } }],
};
const count = {
  ...{ class: 'CommandLineTool', id: '#count', requirements: [docker], baseCommand: ['wc', '-c'] },
  inputs: [{ id: '#count/data', type: 'File' }],
  ...{ stdin: '$(inputs.data.path)', stdout: 'count.txt' },
  outputs: [{ id: '#count/counted', type: 'File', outputBinding: { glob: 'count.txt' } }],
};
const sum = {
  ...{ class: 'CommandLineTool', id: '#sum', baseCommand: ['awk', '{s+=$1} END {print s}'] },
  requirements: [{ class: 'ResourceRequirement', coresMin: 2, ramMin: 512 }],
  inputs: [{ id: '#sum/all', type: { type: 'array', items: 'File' }, inputBinding: { position: 1 } }],
  stdout: 'sum.txt',
  outputs: [{ id: '#sum/result', type: 'File', outputBinding: { glob: 'sum.txt' } }],
};
const packed = {
  cwlVersion: 'v1.0',
  $graph: [
    {
      ...{ class: 'Workflow', id: '#main', requirements: [{ class: 'ScatterFeatureRequirement' }] },
      inputs: [{ id: '#main/events', type: { type: 'array', items: 'int' } }],
      outputs: [{ id: '#main/result', type: 'File', outputSource: '#main/sum/result' }],
      steps: [
        {
          ...{ id: '#main/generate', run: '#generate', scatter: '#main/generate/events', out: ['#main/generate/data'] },
          in: [{ id: '#main/generate/events', source: '#main/events' }],
        },
        {
          ...{ id: '#main/count', run: '#count', scatter: '#main/count/data', out: ['#main/count/counted'] },
          in: [{ id: '#main/count/data', source: '#main/generate/data' }],
        },
        {
          ...{ id: '#main/sum', run: '#sum', out: ['#main/sum/result'] },
          in: [{ id: '#main/sum/all', source: '#main/count/counted' }],
        },
      ],
    },
    ...[generate, count, sum],
  ],
};

describe('CWL workflows', () => {
  it('come packed, fan out and merge', { timeout: 300_000 }, async () => {
    const { run, engine, steps, seen, said, read, started, graph } = await runOf('cwl', {
      ...{ specification: packed, parameters: { events: [1, 22, 333, 4444, 1, 6] } },
    });
    await engine.run(run, never).catch(error => {
      throw new Error(said.join(''), { cause: error });
    });
    expect(await read('outputs/sum.txt')).toBe('54\n');
    expect((await started()).length).toBe(13);
    const image = 'docker.io/library/debian:13';
    expect(steps.requests[0]).toMatchObject({ image, resources: { memory: 128 } });
    expect(steps.requests.at(-1)).toMatchObject({ name: 'sum', image: '', resources: { memory: 512, cores: 2 } });
    expect(steps.widest).toBeGreaterThan(1);
    expect(seen.at(-1)).toMatchObject({ total: 13, running: [], failed: [] });
    expect(seen.at(-1)?.finished).toHaveLength(13);
    expect(await graph()).toEqual({
      nodes: expect.toSatisfy((nodes: string[]) => [...nodes].sort().join() === 'count,generate,sum'),
      edges: [
        ['count', 'sum'],
        ['generate', 'count'],
      ],
    });
    const names = steps.requests.map(({ name }) => name);
    expect(new Set(names.map(name => name.replace(/_\d+$/, '')))).toEqual(new Set(['generate', 'count', 'sum']));
  });

  it('are read from the workspace, with files, directories and expressions', { timeout: 300_000 }, async () => {
    const main = {
      ...{ cwlVersion: 'v1.2', class: 'Workflow' },
      requirements: { StepInputExpressionRequirement: {}, InlineJavascriptRequirement: {} },
      inputs: { config: 'File', title: 'string' },
      outputs: {
        report: { type: 'File', outputSource: 'report/made' },
        tree: { type: 'Directory', outputSource: 'plot/dir' },
      },
      steps: {
        plot: { run: 'plot.cwl', in: { config: 'config' }, out: ['dir'] },
        report: {
          run: 'report.cwl',
          in: { dir: 'plot/dir', title: { source: 'title', valueFrom: '$(self.toUpperCase() + "!")' } },
          out: ['made'],
        },
      },
    };
    const plot = {
      ...{ cwlVersion: 'v1.2', class: 'CommandLineTool', baseCommand: ['bash', 'work.sh'] },
      requirements: {
        InlineJavascriptRequirement: {},
        InitialWorkDirRequirement: {
          listing: [
            '$(inputs.config)',
            {
              entryname: 'work.sh',
              entry: 'mkdir -p "plots dir" && cat config.txt > "plots dir/a b.txt"; pwd; echo $X\n',
            },
          ],
        },
        EnvVarRequirement: { envDef: { X: "it's $HOME" } },
      },
      ...{ inputs: { config: 'File' }, stdout: 'said.txt' },
      outputs: { dir: { type: 'Directory', outputBinding: { glob: 'plots dir' } } },
    };
    const report = {
      ...{
        cwlVersion: 'v1.2',
        class: 'CommandLineTool',
        baseCommand: ['sh', '-c', 'echo "$1"; cat "$0"/*; test -d $TMPDIR'],
      },
      inputs: {
        dir: { type: 'Directory', inputBinding: { position: 1 } },
        title: { type: 'string', inputBinding: { position: 2 } },
      },
      stdout: 'report.txt',
      outputs: { made: { type: 'stdout' } },
    };
    const { run, engine, said, read } = await runOf('cwl', {
      files: {
        ...{ 'flow/main.cwl': JSON.stringify(main), 'flow/plot.cwl': JSON.stringify(plot) },
        ...{ 'flow/report.cwl': JSON.stringify(report), 'data/config.txt': 'content\n' },
      },
      file: 'flow/main.cwl',
      parameters: { config: { class: 'File', location: 'data/config.txt' }, title: 'results' },
    });
    await engine.run(run, never).catch(error => {
      throw new Error(said.join(''), { cause: error });
    });
    expect(await read('outputs/report.txt')).toBe('RESULTS!\ncontent\n');
    expect(await read('outputs/plots dir/a b.txt')).toBe('content\n');
  });

  it.each([
    [{ class: 'CommandLineTool', cwlVersion: 'v1.0', baseCommand: 'true', inputs: { x: 'int' }, outputs: {} }, 'x'],
    [{ class: 'Nonsense', cwlVersion: 'v1.0' }, 'Nonsense'],
  ])('that make no sense are refused with the reason: %#', { timeout: 300_000 }, async (specification, message) => {
    const { run, engine, steps } = await runOf('cwl', { specification });
    await expect(engine.run(run, never)).rejects.toThrow(message);
    expect(steps.requests).toEqual([]);
  });
});
