import { UsageError } from '../errors.js';
import type { Specification } from './run.js';

/**
 * The images in registries that the steps of a serial workflow name, each once.
 * @throws UsageError for other workflows, whose images are known only when they run
 */
export function imagesOf({ workflow }: Pick<Specification, 'workflow'>): string[] {
  if (workflow.type !== 'serial')
    throw new UsageError(`the images of a ${workflow.type} workflow are not known before it runs`, {
      hint: 'pull them by name: scailfin images pull IMAGE',
    });
  const { steps } = (workflow.specification ?? {}) as { steps?: unknown };
  const images = (Array.isArray(steps) ? steps : []).map(step => (step as { environment?: unknown })?.environment);
  const named = images.filter((image): image is string => typeof image === 'string' && /^[^/]/.test(image));
  return [...new Set(named)];
}
