import type { StepRequest } from '../jobs/step.js';

/** Finds steps that ran before (REANA, operational option `CACHE`). */
export interface StepCache {
  /**
   * Takes the outputs of the same step from an earlier run, if there was one: the same command in the same image, with the same
   * environment, on the same files.
   * @param id of the step; one that was taken before is taken at once
   * @returns the run they are from; or what is to be called when the step has run and finished, so that others can take it
   */
  take(id: string, request: StepRequest): Promise<{ readonly from: string } | { readonly keep: () => Promise<void> }>;
}

/** Whether a run asks for it. Not by default: a step may be meant to give something else each time. */
export const asksForCache = ({ CACHE }: Readonly<Record<string, unknown>>): boolean =>
  CACHE === true || (typeof CACHE === 'string' && CACHE.toLowerCase() === 'on');
