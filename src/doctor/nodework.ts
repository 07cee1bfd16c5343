import { profileFile } from './patient.js';
import { failed, ok, type Stage } from './stage.js';

/** The work directory on the node is the same as on the login node, and the node can write to it. */
export const nodeWork: Stage = {
  id: 'node-work',
  title: 'Work directory on the node',

  async run({ facts, patient }) {
    const { work, writable, node } = facts.get('found');
    const { base } = facts.get('probe');
    const hint = `set directories.work in ${profileFile(patient)} to a directory that login and compute nodes share, such as a scratch file system`;
    if (work === 'missing') return failed(`${base} is not there on ${node}`, hint);
    if (work === 'other') return failed(`${base} on ${node} is another directory than on the login node`, hint);
    if (!writable) return failed(`${base} can't be written from ${node}`, hint);
    return ok(`${base} is the same there, and can be written`);
  },
};
