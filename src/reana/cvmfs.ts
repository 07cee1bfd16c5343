import { UsageError } from '../errors.js';
import type { Specification } from './run.js';

/**
 * The repositories of CVMFS that a workflow asks for: `workflow.resources.cvmfs` in reana.yaml (docs.reana.io, "CVMFS").
 * @throws UsageError for a name that is none
 */
export function cvmfsOf({ workflow }: Pick<Specification, 'workflow'>): string[] {
  const asked = workflow.resources?.cvmfs ?? [];
  const names = Array.isArray(asked) ? asked : [asked];
  return names.map(name => {
    // it becomes a path on the node
    if (typeof name === 'string' && /^[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)+$/i.test(name)) return name;
    throw new UsageError(`${JSON.stringify(name)} is not a repository of CVMFS`, {
      hint: 'in reana.yaml, workflow.resources.cvmfs is a list of names such as sft.cern.ch',
    });
  });
}
