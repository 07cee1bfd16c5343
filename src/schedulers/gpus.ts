import { UsageError } from '../errors.js';
import type { BatchJob } from './job.js';

/**
 * How a job asks for GPUs, as a text in which COUNT stands for the GPUs of a node, TOTAL for those of all nodes of a job,
 * and TYPE for their type. A colon beside TYPE goes with it if no type is asked for.
 */
export type GpuForm = string;

type Wanted = Pick<BatchJob, 'gpusPerNode' | 'gpuType' | 'gpuForm' | 'nodes'>;

/**
 * The words with which a job asks for its GPUs; undefined if it asks for none.
 * @param usual the batch system's own form; the profile's form comes first
 * @throws UsageError if a type is asked for and the form has no place for it, or the other way round
 */
export function gpuWords({ gpusPerNode, gpuType, gpuForm, nodes }: Wanted, usual: GpuForm): string | undefined {
  if (gpusPerNode === 0) return undefined;
  const form = gpuForm ?? usual;
  const counted = form.replace(/\bCOUNT\b/g, String(gpusPerNode)).replace(/\bTOTAL\b/g, String(gpusPerNode * nodes));
  const hasPlace = /\bTYPE\b/.test(form);
  if (gpuType !== undefined && hasPlace) return counted.replace(/\bTYPE\b/g, gpuType);
  const plain = counted.replace(/\bTYPE:|:(?:gmodel=)?TYPE\b/g, '');
  if (gpuType === undefined && !/\bTYPE\b/.test(plain)) return plain;
  throw gpuType === undefined
    ? new UsageError(`GPUs are asked for by their type there (${form})`, { hint: `give --gpus ${gpusPerNode}:TYPE` })
    : new UsageError(
        `--gpus ${gpusPerNode}:${gpuType}: it is not known how jobs ask for a type of GPU there (${form})`,
        {
          hint: `give --gpus ${gpusPerNode}, and the type with --directive; or add scheduler.gpuForm to the site's profile, with the words COUNT and TYPE`,
        },
      );
}

/** Whether a directive asks for a number of GPUs: `--gpus=v100:8`, `--gres=gpu:1`, `-l gpu_card=1`, but not `-C gpu`. */
export const asksForGpus = (directive: string): boolean =>
  /(^|[\s,:])(--gpus\b|--gres=gpu|-G\b|-gpu\b)|\bn?gpus?\w*\s*=/i.test(directive);
