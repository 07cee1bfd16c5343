/** Ends this program when its work is done: with the status that the work gives, or with 1 and the words of its error. */
export function finish(work: Promise<number>): void {
  work.then(
    code => {
      process.exitCode = code;
    },
    error => {
      process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
      process.exitCode = 1;
    },
  );
}
