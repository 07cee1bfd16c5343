import type { PythonEngine } from '../../../src/reana/engines/python.js';
import type { Workflow } from './workflows.js';

/**
 * The same workflow in each language: `width` steps called `part`, the n-th of which runs `command` with `$n`, and one
 * called `merge`, which puts what they print into one file.
 */
export const fans: Readonly<Record<PythonEngine, (width: number, command: string) => Workflow & { merged: string }>> = {
  cwl: (width, command) => ({
    ...{ merged: 'outputs/merged.txt', specification: cwl(command), parameters: { all: numbers(width) } },
  }),
  snakemake: (width, command) => ({
    ...{ merged: 'merged.txt', file: 'Snakefile', files: { Snakefile: snakemake(width, command) } },
  }),
  yadage: (width, command) => ({
    ...{ merged: 'merge/merged.txt', file: 'flow.yml', files: { 'flow.yml': JSON.stringify(yadage(command)) } },
    parameters: { all: numbers(width) },
  }),
};

const numbers = (width: number): number[] => Array.from({ length: width }, (_, n) => n);

function cwl(command: string) {
  const file = { type: 'File', outputBinding: { glob: '*.txt' } };
  return {
    ...{ cwlVersion: 'v1.0', class: 'Workflow', requirements: [{ class: 'ScatterFeatureRequirement' }] },
    inputs: { all: 'int[]' },
    outputs: { result: { type: 'File', outputSource: 'merge/merged' } },
    steps: {
      part: {
        run: {
          ...{ class: 'CommandLineTool', baseCommand: ['bash', '-c', `n=$0; ${command}`], stdout: 'part.txt' },
          ...{ inputs: { n: { type: 'int', inputBinding: {} } }, outputs: { made: file } },
        },
        ...{ scatter: 'n', in: { n: 'all' }, out: ['made'] },
      },
      merge: {
        run: {
          ...{ class: 'CommandLineTool', baseCommand: 'cat', stdout: 'merged.txt' },
          ...{ inputs: { parts: { type: 'File[]', inputBinding: {} } }, outputs: { merged: file } },
        },
        ...{ in: { parts: 'part/made' }, out: ['merged'] },
      },
    },
  };
}

const snakemake = (width: number, command: string): string => `
rule merge:
    input: expand("part/{n}.txt", n=range(${width}))
    output: "merged.txt"
    shell: "cat {input} > {output}"

rule part:
    output: "part/{n}.txt"
    shell: ${JSON.stringify(`n={wildcards.n}; (${braced(command)}) > {output}`)}
`;

function yadage(command: string) {
  const process = (script: string) => ({ process_type: 'interpolated-script-cmd', interpreter: 'bash', script });
  const shared = { environment: { environment_type: 'docker-encapsulated', image: 'none' } };
  const publisher = { publisher_type: 'frompar-pub', outputmap: { file: 'out' } };
  return {
    stages: [
      {
        ...{ name: 'part', dependencies: ['init'] },
        scheduler: {
          scheduler_type: 'multistep-stage',
          parameters: { n: { stages: 'init', output: 'all', unwrap: true }, out: '{workdir}/part.txt' },
          step: { process: process(`n={n}; (${braced(command)}) > {out}`), ...shared, publisher },
          scatter: { method: 'zip', parameters: ['n'] },
        },
      },
      {
        ...{ name: 'merge', dependencies: ['part'] },
        scheduler: {
          scheduler_type: 'singlestep-stage',
          parameters: { parts: { stages: 'part', output: 'file' }, out: '{workdir}/merged.txt' },
          step: { process: process('cat {parts} > {out}'), ...shared, publisher },
        },
      },
    ],
  };
}

/** Braces are the languages' own. */
const braced = (command: string): string => command.replace(/[{}]/g, '$&$&');
