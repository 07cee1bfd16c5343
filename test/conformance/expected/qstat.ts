import type { Recording } from '../../recordings/recordings.js';

/** Whether it is one of qstat's full forms, of Torque as of PBS; what failed there may have shown a table. */
export function toldWhole({ case: name, stdout }: Recording): boolean {
  return /qstat-(x?f(1|t|x|-w|-json|-dsv)?|xt.*|x)$/.test(name) && !/^Job id/m.test(stdout);
}
