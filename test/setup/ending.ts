/** What to clear away when the test file that runs now is over. */
const works: (() => void)[] = [];

/**
 * For helpers that several test files use: a worker loads them once for all its files, so that an `afterAll` of theirs would
 * belong to the first of these files.
 */
export const atFileEnd = (work: () => void): void => void works.push(work);

export function endOfFile(): void {
  for (const work of works.splice(0)) work();
}
