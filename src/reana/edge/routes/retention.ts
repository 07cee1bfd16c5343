import { stepId } from '../../stepid.js';
import { isObject, ok } from '../http/call.js';
import type { Route } from '../http/router.js';
import { reads } from '../people/rules.js';
import type { RunRecord } from '../runs/record.js';
import { named, runOf } from './parts.js';

/** A rule as REANA tells it: after so many days, files that match a pattern are removed. */
interface Rule {
  readonly id: string;
  readonly workspace_files: string;
  readonly retention_days: number;
  readonly apply_on: null;
  readonly status: 'inactive';
}

/**
 * The rules that a specification has. All are inactive, which is REANA's word for a rule that removes nothing: a cluster
 * here lives for days, and its files are kept until it goes down.
 */
export const retentionRoutes = (): Route[] => [
  {
    method: 'GET',
    path: '/api/workflows/:run/retention_rules',
    rule: reads('run'),
    handle: async call => {
      const run = runOf(call);
      const { workflow_id, workflow_name } = named(run);
      return ok({ workflow_id, workflow_name, retention_rules: rulesOf(run) });
    },
  },
];

function rulesOf({ id, specification }: RunRecord): Rule[] {
  const days = specification.workspace?.retention_days;
  if (!isObject(days)) return [];
  return Object.entries(days).map(([pattern, count]) => ({
    ...{ id: stepId(id, `retention ${pattern}`), workspace_files: pattern },
    ...{ retention_days: Number(count) || 0, apply_on: null, status: 'inactive' as const },
  }));
}
