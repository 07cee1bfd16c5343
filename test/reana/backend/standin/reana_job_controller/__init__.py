"""Stands in for reana-job-controller 0.9.4, which no registry has: the parts that a backend meets, by its documented
interface (JobManager, JobMonitor, the job store, the two dictionaries of backends, the REST calls), without a database.
With SCAILFIN_TEST_REANA_JOB_CONTROLLER the same tests run on a checkout of the real one.
"""
