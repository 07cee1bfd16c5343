/**
 * LSF's commands wait as long as its daemons are away, so each gets a time limit by timeout(1). The limits of one query
 * together are below the runner's limit for a round trip.
 */
export const limited = (seconds: number, ...argv: string[]): string[] => ['timeout', String(seconds), ...argv];
