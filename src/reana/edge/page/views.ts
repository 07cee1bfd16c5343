import type { Step } from '../../jobs/step.js';
import type { Overview, RunView, StepView } from '../overview.js';
import type { Access } from '../people/access.js';
import type { Parts } from '../routes/parts.js';
import { fullName, type RunRecord } from '../runs/record.js';

/** @param access whose page it is @param run the run whose steps are included */
export function overviewOf(parts: Parts, access: Access, run: string | null): Overview {
  const { cluster, version, steps, pool } = parts;
  const runs = access.readable().filter(({ status }) => status !== 'deleted');
  const asked = runs.find(({ id }) => id === run);
  return {
    ...{ cluster, version, now: Date.now(), pool: pool.view, history: pool.history },
    runs: runs.reverse().map(each => runView(parts, access, each)),
    ...(asked ? { steps: steps.of(asked.id).map(stepView) } : {}),
  };
}

/** @param access whose page it is */
export function runView({ runner, people }: Parts, access: Access, run: RunRecord): RunView {
  const { id, status, created, queued, started, finished, stopped, reason, specification } = run;
  const { files, directories } = specification.outputs ?? {};
  return {
    ...{ id, name: fullName(run), type: specification.workflow.type, status, reason },
    ...{ created, queued, started, ended: finished ?? stopped },
    progress: runner.counts(run),
    outputs: { files: files ?? [], directories: directories ?? [] },
    ...(access.isMine(run) ? {} : { owner: people.nameOf(run.owner), isReadOnly: !access.may('change', run) }),
  };
}

const mostOfCommand = 2000;

/** Without the environment, which contains the user's secrets. */
export function stepView({ request, ...step }: Step): StepView {
  const { id, state, job, node, created, started, ended, exitCode, reason, attempts } = step;
  const command = (request.shown ?? request.command).slice(0, mostOfCommand);
  return {
    ...{ id, run: request.workflow, name: request.name, state, command, image: request.image },
    ...{ job, node, created, started, ended, exitCode, reason, attempts },
  };
}
