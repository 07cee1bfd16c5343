/**
 * LSF's commands wait for as long as its daemons are away, so each gets a time limit, timeout(1).
 * Those of one query together stay below what the runner allows a round trip.
 */
export const limited = (seconds: number, ...argv: string[]): string[] => ['timeout', String(seconds), ...argv];
