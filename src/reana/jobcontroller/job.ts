import * as z from 'zod';
import { UsageError } from '../../errors.js';
import { resourcesOf } from '../hints.js';
import type { Step, StepRequest } from '../jobs/step.js';

/** The run whose steps the job controller accepts. */
export interface Controlled {
  readonly workflow: string;
  readonly workspace: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets?: string | undefined;
  readonly cvmfs?: readonly string[] | undefined;
}

/** reana-job-controller 0.9.4, schemas.JobRequest; hints for other systems are ignored. */
const schema = z.looseObject({
  job_name: z.string().min(1),
  docker_img: z.string(),
  /** base64 */
  cmd: z.base64(),
  prettified_cmd: z.string().optional(),
  env_vars: z.record(z.string(), z.string()).optional(),
  workflow_uuid: z.string().optional(),
  workflow_workspace: z.string().optional(),
  /** Our own field: names a step within its run, so that repeating a request does not run it twice. */
  key: z.string().min(1).optional(),
});

/** A step as the job controller's client asks for it. @throws UsageError also for what REANA refuses */
export function jobRequest(body: unknown, of: Controlled): { request: StepRequest; key: string | undefined } {
  const read = schema.safeParse(body);
  if (!read.success) {
    const wrong = read.error.issues.map(issue => `${issue.path.join('.') || 'the request'}: ${issue.message}`);
    throw new UsageError(`this is not a job: ${wrong.join('; ')}`);
  }
  const job = read.data;
  for (const [field, mine] of [
    ['workflow_uuid', of.workflow],
    ['workflow_workspace', of.workspace],
  ] as const) {
    if ((job[field] ?? mine) !== mine) throw new UsageError(`${field} does not belong to this run`);
  }
  const command = Buffer.from(job.cmd, 'base64').toString();
  const request: StepRequest = {
    ...{ workflow: of.workflow, workspace: of.workspace, secrets: of.secrets, cvmfs: of.cvmfs },
    ...{ name: job.job_name, image: job.docker_img, command, shown: job.prettified_cmd ?? command },
    environment: { ...job.env_vars, ...of.environment },
    resources: resourcesOf(job),
  };
  return { request, key: job.key };
}

/** schemas.Job: what workflow engines poll; `reason`, `exit_code` and `job_name` are our own fields. */
export function jobView(step: Step): Record<string, unknown> {
  return {
    ...{ job_id: step.id, job_name: step.request.name, docker_img: step.request.image, cmd: step.request.command },
    ...{ status: step.state, restart_count: Math.max(0, step.attempts - 1), max_restart_count: 3 },
    ...{
      cvmfs_mounts: step.request.cvmfs?.length ? JSON.stringify(step.request.cvmfs) : 'false',
      exit_code: step.exitCode,
      reason: step.reason,
    },
  };
}
