import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** A UUID that is always the same for the same place in the same run. */
export function stepId(workflow: string, place: string): string {
  const hex = createHash('sha256').update(join(workflow, place)).digest('hex');
  // RFC 9562, version 8: custom
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
