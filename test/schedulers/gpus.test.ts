import { describe, expect, it } from 'vitest';
import { asksForGpus, gpuWords } from '../../src/schedulers/gpus.js';
import { type SchedulerName, schedulerFor } from '../../src/schedulers/registry.js';
import { job } from './jobs.js';

describe('GPUs of each node', () => {
  it.each<[SchedulerName, string, string | undefined]>([
    ['slurm', '#SBATCH --gres=gpu:2', '#SBATCH --gres=gpu:a100:2'],
    ['torque', '#PBS -l nodes=1:ppn=4:gpus=2', '#PBS -l nodes=1:ppn=4:gpus=2:a100'],
    ['pbs', '#PBS -l select=1:ncpus=4:mem=2048mb:ngpus=2', undefined],
    ['lsf', '#BSUB -gpu "num=2"', '#BSUB -gpu "num=2:gmodel=a100"'],
    ['sge', '#$ -l gpu=2', undefined],
    ['htcondor', 'request_gpus = 2', undefined],
  ])('%s: %s', (type, plain, typed) => {
    const submit = (gpuType?: string): string[] =>
      schedulerFor(type)
        .submit(job({ gpusPerNode: 2, gpuType, parallelEnvironment: 'smp' }))
        .script.split('\n');
    expect(submit()).toContain(plain);
    if (typed === undefined)
      expect(() => submit('a100')).toThrow('it is not known how jobs ask for a type of GPU there');
    else expect(submit('a100')).toContain(typed);
  });

  it('are asked for in the way that the profile says', () => {
    const words = (gpuForm: string, gpuType?: string): string | undefined =>
      gpuWords({ gpusPerNode: 4, gpuType, gpuForm, nodes: 3 }, 'usual');
    expect(words('--gpus=TYPE:TOTAL', 'v100-32')).toBe('--gpus=v100-32:12');
    expect(words('--gpus=TYPE:TOTAL')).toBe('--gpus=12');
    expect(words('-l gpu_card=COUNT')).toBe('-l gpu_card=4');
    expect(words('ngpus=COUNT:gpu_model=TYPE', 'v100')).toBe('ngpus=4:gpu_model=v100');
    expect(() => words('-l TYPE=COUNT')).toThrow('GPUs are asked for by their type there');
  });

  it('are part of the request for nodes, or a directive of their own', () => {
    const asked = (gpuForm: string): string =>
      schedulerFor('pbs').submit(job({ gpusPerNode: 2, gpuType: 'v100', gpuForm })).script;
    expect(asked('ngpus=COUNT:gpu_model=TYPE')).toContain(':mem=2048mb:ngpus=2:gpu_model=v100\n');
    expect(asked('-l gputype=TYPE,gpus=COUNT')).toContain(':mem=2048mb\n#PBS -l gputype=v100,gpus=2\n');
  });

  it('are known in directives, and other things are not taken for them', () => {
    for (const yes of [
      '--gpus=v100-32:8',
      '--gpus-per-node=4',
      '--gres=gpu:1',
      '-G 2',
      '-l gpu_card=1',
      '-gpu "num=1"',
    ])
      expect([yes, asksForGpus(yes)]).toEqual([yes, true]);
    for (const no of ['-C gpu', '--constraint=gpu', '--reservation=gpus', '--gres=craynetwork:1', '-l gpumode'])
      expect([no, asksForGpus(no)]).toEqual([no, false]);
  });
});
