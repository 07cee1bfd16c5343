import { edgeDir } from '../../../headnode/edge.js';
import type { Folder } from '../../../leaving.js';
import { description } from '../../../reana/jobs/description.js';
import { eventLog } from '../../../reana/jobs/places.js';
import type { StepRequest } from '../../../reana/jobs/step.js';
import { stepEnvironment } from '../../../steps/environment.js';
import { wrapperScript } from '../../../steps/wrapper.js';

const ID = '00000000-0000-4000-8000-000000000000';

/**
 * The files with which the edge submits a step of a workflow, for an example step. @param pool its directory on the
 * headnode
 */
export async function stepFolder(pool: string): Promise<Folder> {
  const edge = edgeDir(pool);
  const dir = `${edge}/steps`;
  const place = { dir, wrapper: `${edge}/wrapper/step.sh`, log: eventLog(dir) };
  const request: StepRequest = {
    ...{ workflow: '@WORKFLOW@', workspace: `${edge}/workspaces/@WORKFLOW@`, name: 'gendata' },
    ...{ image: 'docker.io/library/python:3.12', command: 'python gendata.py --events 20000 >data.csv' },
    ...{ environment: { EXAMPLE: '1' }, resources: { cores: 1, memory: 2048, time: 3600 } },
  };
  return {
    name: 'step',
    goes: 'is made on the headnode by the edge, for each step of a workflow; HTCondor transfers it to a node and runs step.sh there',
    files: [
      { name: 'step.sh', content: wrapperScript(), mode: 0o700, what: 'runs a step in its container, on a node' },
      {
        ...{ name: 'submit', mode: 0o600, what: "the job of a step, read by the pool's condor_submit" },
        content: description(place, [{ id: ID, request, inputBytes: 0 }]),
      },
      {
        ...{ name: 'step.env', mode: 0o600, what: 'an example of the settings of step.sh, with its command in base64' },
        content: await stepEnvironment(ID, request),
      },
    ],
  };
}
