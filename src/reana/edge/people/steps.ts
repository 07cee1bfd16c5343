import type { StepService } from '../../jobs/step.js';
import type { RunRecord } from '../runs/record.js';
import type { People } from './people.js';
import { accountOf } from './person.js';

/**
 * The steps of one run, which HTCondor counts as those of the run's owner. What a workflow engine or a workflow says about
 * that has no effect, because it is said here, after them.
 */
export function stepsOf(steps: StepService, people: People, run: Pick<RunRecord, 'owner'>): StepService {
  return {
    submit: (request, id) => {
      // as long as nobody else is there, jobs are as they were before
      const person = people.present().length > 0 ? people.byId(run.owner) : undefined;
      const account = person && { name: accountOf(person), person: person.isOwner ? 'owner' : person.name };
      return steps.submit({ ...request, account }, id);
    },
    get: id => steps.get(id),
    of: workflow => steps.of(workflow),
    ended: id => steps.ended(id),
    stop: id => steps.stop(id),
    log: (id, bytes) => steps.log(id, bytes),
    onChange: listener => steps.onChange(listener),
    wire: (id, events) => steps.wire(id, events),
    save: (id, archive, deleted) => steps.save(id, archive, deleted),
    forget: workflow => steps.forget(workflow),
    close: () => steps.close(),
  };
}
