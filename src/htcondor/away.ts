/**
 * How long the headnode may be away before a cluster's nodes give it up. Seconds. Running jobs go on without a headnode, and it
 * finds them again, as long as both sides hold on:
 * - A job's lease is this long (`JOB_DEFAULT_LEASE_DURATION`). The headnode renews it at least each third of this time, so a node
 *   gives a job up when the headnode has been away for between two thirds of it and all of it; ten minutes are less than that.
 *   The headnode gives a job whose node is away back to the queue after all of it, never while the job may still run.
 * - A glide-in leaves after this time: its jobs are given up then, so it would only wait.
 *
 * A longer time would also mean that the jobs of a node that died wait longer before they run again. Those of a glide-in that
 * could say that it leaves do not wait, nor do those whose batch job is over as far as the headnode was told
 * (templates/headnode/pool/shadows.sh).
 * (HTCondor's manual, `JobLeaseDuration` and `ALIVE_INTERVAL`)
 */
export const AWAY_LIMIT = 1200;
