"""What REANA is told of a step, from its submission to its end."""

import io
import json
import os
import tarfile
import uuid

import pytest
from pool import COMPLETED, HELD, IDLE, REMOVED, RUNNING, Pool, away, refused
from reana_job_controller import job_db
from reana_job_controller.errors import ComputingBackendSubmissionError
from reana_job_controller.job_db import JOB_DB
from scailfin_backend import manager, outcome, schedd, submit
from scailfin_backend.manager import PoolJobManager
from scailfin_backend.monitor import PoolJobMonitor

WORKFLOW = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


class Controller:
    """The job controller's part in a step's life, with a monitor that looks when it is told to."""

    def __init__(self, workspace):
        """Begin with no jobs."""
        self.workspace = workspace
        self.monitor = PoolJobMonitor(app=None)
        self.told = []

    def post(self, command="true", **hints):
        """Do what the REST interface does with a job. Returns (REANA's id, the pool's)."""
        job = PoolJobManager(cmd=command, docker_img="", workflow_uuid=WORKFLOW, workflow_workspace=str(self.workspace),
                             job_name="fit", **hints)
        number = job.execute()
        JOB_DB[job.job_id] = {"status": "started", "deleted": False, "obj": job, "backend_job_id": number,
                              "compute_backend": "slurmcern", "workflow_uuid": WORKFLOW, "log": ""}
        # as the module that REST imports it from has it: every state that is told goes by
        manager.update_job_status(job.job_id, "running")
        self.monitor.admit()
        return job.job_id, number.split("/")[0]

    def look(self, times=1):
        """Look at the pool. Returns the last job's state."""
        for _ in range(times):
            self.monitor.look(JOB_DB)
        return list(JOB_DB.values())[-1]["status"]

    def log(self, job_id):
        """Return a job's log."""
        return JOB_DB[job_id]["log"]


@pytest.fixture
def pool(monkeypatch):
    """Put a pool in the schedd's place."""
    made = Pool()
    monkeypatch.setattr(schedd, "ask", made.ask)
    monkeypatch.setattr(submit, "RETRIES", (0, 0, 0))
    return made


@pytest.fixture
def controller(private, pool, tmp_path, monkeypatch):
    """Give a controller whose database keeps what it was told, in order."""
    (tmp_path / "ws").mkdir()
    # the thread is the tests' own
    monkeypatch.setattr(PoolJobMonitor, "watch_jobs", lambda self, job_db, app: None)
    made = Controller(tmp_path / "ws")

    def status(job_id, state):
        JOB_DB[job_id]["status"] = state
        made.told.append(state)

    def log(job_id, text):
        assert "\0" not in text
        JOB_DB[job_id]["log"] = text
        made.told.append("log")

    for module in ("manager", "monitor"):
        monkeypatch.setattr("scailfin_backend.{}.update_job_status".format(module), status)
    monkeypatch.setattr(manager, "store_job_logs", log)
    monkeypatch.setattr(manager, "STOP_SECONDS", 0)
    yield made
    JOB_DB.clear()
    for known in (PoolJobManager.abandoned, PoolJobManager.stopping, PoolJobManager.workflows, outcome._tries):
        known.clear()


def archive(**files):
    """Return a changed.tar."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo("./" + name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return data.getvalue()


def ended(status=0, report=None, **files):
    """Return what a job's ad says when it ran to its end, and what it left."""
    report = "exit={}\n".format(status) if report is None else report
    left = {"out": b"said", "err": b"", "report": report.encode(), "changed.tar": archive(**files)}
    return {"ExitCode": status, "ExitBySignal": False, "NumJobStarts": 1, "files": left}


def test_a_step_is_queued_until_the_schedd_says_that_it_runs(controller, pool):
    _, number = controller.post()
    assert [controller.look(), controller.look()] == ["queued", "queued"]
    pool.become(number, HELD, HoldReasonCode=16, HoldReason="Spooling input data files")
    assert controller.look() == "queued"
    pool.become(number, RUNNING)
    assert controller.look() == "running"
    pool.become(number, IDLE, NumJobStarts=1)
    assert controller.look() == "queued"
    assert controller.told == ["running", "queued", "running", "queued"]


def test_a_step_that_ended_is_told_after_its_files_and_its_log_are_there(controller, pool, private):
    job_id, number = controller.post()
    pool.become(number, COMPLETED, **ended(result="42"))
    assert controller.look() == "finished"
    assert controller.told[-2:] == ["log", "finished"]
    assert controller.log(job_id) == "said\n"
    assert (controller.workspace / "result").read_text() == "42"
    assert pool.jobs == {} and os.listdir(private) == []


@pytest.mark.parametrize(
    "ad, words",
    [
        (ended(3), "its command ended with status 3"),
        (dict(ended(0, "exit=0\nmessage=the disk of this node is full\n"), ExitCode=165, LastRemoteHost="slot1@c1"), "on c1: the disk of this node is full"),
        (ended(161, ""), "its image does not exist, or could not be converted"),
        (ended(161, "exit=161\n"), "its command ended with status 161"),
        (ended(7, ""), "it ended with status 7 and no report"),
        (dict(ended(0), ExitBySignal=True, ExitSignal=9), "signal 9 ended it"),
    ],
)
def test_a_failure_says_whose_it_is(controller, pool, ad, words):
    job_id, number = controller.post()
    pool.become(number, COMPLETED, **ad)
    assert controller.look() == "failed"
    assert controller.log(job_id) == "said\nscailfin: {}\n".format(words)


def test_a_failed_steps_files_are_kept(controller, pool):
    _, number = controller.post()
    pool.become(number, COMPLETED, **ended(1, part="x"))
    controller.look()
    assert (controller.workspace / "part").read_text() == "x"


def test_what_leads_out_of_the_workspace_fails_the_step(controller, pool):
    job_id, number = controller.post()
    pool.become(number, COMPLETED, **ended(0, **{"../out": "x"}))
    assert controller.look() == "failed"
    assert "could not be brought back: it returned a file outside of its workspace" in controller.log(job_id)


def test_a_held_step_has_failed_for_that_reason(controller, pool):
    job_id, number = controller.post()
    # as the schedd tells it before the shadow has told how often the step began
    pool.become(number, HELD, HoldReasonCode=12, HoldReason="Error from c1: no space", NumShadowStarts=1, files={"out": b"begun\n", "err": b"oh\0"})
    assert controller.look() == "failed"
    assert controller.log(job_id) == "begun\noh\ufffd\nscailfin: HTCondor held it: Error from c1: no space\n"
    assert pool.jobs == {}


def test_a_step_that_loses_its_node_again_and_again_has_failed(controller, pool):
    job_id, number = controller.post()
    pool.become(number, IDLE, NumJobStarts=2)
    assert controller.look() == "queued"
    pool.become(number, IDLE, NumJobStarts=3)
    assert controller.look() == "failed"
    assert "its node was lost, for the 3rd time" in controller.log(job_id) and pool.jobs == {}


def test_a_step_that_somebody_removed_has_failed(controller, pool):
    job_id, number = controller.post()
    pool.become(number, REMOVED)
    assert controller.look() == "failed"
    assert controller.log(job_id) == "scailfin: it was removed from the pool\n"


def test_a_job_that_vanished_is_missed_more_than_once_before_it_is_believed(controller, pool):
    job_id, number = controller.post()
    pool.history[number] = dict(pool.jobs.pop(number), RemoveReason="by scail")
    assert controller.look(2) == "queued"
    assert controller.look() == "failed"
    assert "it was removed from the pool, and its files with it: by scail" in controller.log(job_id)


def test_unknown_is_not_gone(controller, pool):
    _, number = controller.post()
    pool.become(number, RUNNING)
    controller.look()
    pool.fails_before["query"] = [away() for _ in range(10)]
    for _ in range(10):
        with pytest.raises(schedd.ScheddError):
            controller.look()
    assert list(JOB_DB.values())[0]["status"] == "running"
    pool.become(number, COMPLETED, **ended())
    assert controller.look() == "finished"


def test_one_job_that_can_not_be_asked_for_does_not_hold_up_the_others(controller, pool):
    lost, gone = controller.post()
    pool.jobs.pop(gone)
    _, number = controller.post()
    pool.become(number, COMPLETED, **ended())
    pool.fails_before["past"] = [away() for _ in range(3)]
    assert controller.look(3) == "finished"
    controller.look(3)
    assert JOB_DB[lost]["status"] == "failed" and "vanished" in controller.log(lost)


def test_what_comes_back_in_pieces_fails_the_step(controller, pool):
    job_id, number = controller.post()
    ad = ended(0, made="x" * 2000)
    ad["files"]["changed.tar"] = ad["files"]["changed.tar"][:700]
    pool.become(number, COMPLETED, **ad)
    assert controller.look() == "failed"
    assert "could not be brought back: its output can't be unpacked" in controller.log(job_id)


def test_files_that_fail_to_come_are_asked_for_again(controller, pool):
    job_id, number = controller.post()
    pool.become(number, COMPLETED, **ended(0, made="x"))
    pool.fails_before["retrieve"] = [away() for _ in range(4)]
    assert controller.look(4) == "queued"
    assert controller.look() == "finished"
    assert (controller.workspace / "made").exists()


def test_files_that_never_come_fail_the_step(controller, pool):
    job_id, number = controller.post()
    pool.become(number, COMPLETED, **ended())
    pool.fails_before["retrieve"] = [away("no room") for _ in range(9)]
    assert controller.look(5) == "failed"
    assert "its files could not be brought back: no room" in controller.log(job_id)


def test_an_end_that_was_seen_before_its_submission_was_answered_stays(controller, pool):
    job_id, number = controller.post()
    pool.become(number, COMPLETED, **ended())
    controller.look()
    # REST says so after the monitor had its say
    JOB_DB[job_id]["status"] = "running"
    controller.monitor.admit()
    assert JOB_DB[job_id]["status"] == "finished"


def test_a_step_whose_answer_was_lost_is_submitted_once(controller, pool):
    pool.fails_after["submit"] = [away("no answer in 3600 s")]
    controller.post()
    assert len(pool.jobs) == 1 and pool.asked.count("submit") == 2


def test_a_refused_step_says_why_and_is_not_tried_again(controller, pool, private):
    pool.fails_before["submit"] = [refused()]
    with pytest.raises(schedd.ScheddRefused, match="refuses the token"):
        controller.post()
    assert pool.asked == ["submit"] and os.listdir(private) == []


def test_a_step_that_was_given_up_leaves_the_pool_when_it_shows_up(controller, pool):
    pool.fails_after["submit"] = [away() for _ in range(3)]
    with pytest.raises(schedd.ScheddError, match="Connection refused"):
        controller.post()
    assert len(pool.jobs) == 1
    controller.monitor.look(JOB_DB)
    assert pool.jobs == {} and not PoolJobManager.abandoned


def test_a_step_is_stopped_when_the_pool_says_so(controller, pool, private):
    job_id, number = controller.post()
    pool.become(number, RUNNING, NumJobStarts=1, files={"out": b"so far\n"})
    PoolJobManager.stop(JOB_DB[job_id]["backend_job_id"])
    assert JOB_DB[job_id]["status"] == "stopped" and JOB_DB[job_id]["deleted"]
    assert controller.log(job_id) == "so far\n" and pool.jobs == {} and os.listdir(private) == []
    controller.look()
    assert JOB_DB[job_id]["status"] == "stopped"
    # stopping it again is fine
    PoolJobManager.stop(JOB_DB[job_id]["backend_job_id"])


def test_a_stop_that_is_not_confirmed_is_an_error(controller, pool):
    job_id, _ = controller.post()
    pool.fails_before["remove"] = [away()]
    with pytest.raises(ComputingBackendSubmissionError, match="Connection refused"):
        PoolJobManager.stop(JOB_DB[job_id]["backend_job_id"])
    pool.remove = lambda job, reason: {"jobs": [{"JobStatus": RUNNING}]}
    with pytest.raises(ComputingBackendSubmissionError, match="still in the pool"):
        PoolJobManager.stop(JOB_DB[job_id]["backend_job_id"])
    assert JOB_DB[job_id]["status"] == "queued"


def test_logs_that_can_not_be_had_do_not_keep_a_job_from_being_stopped(controller, pool):
    job_id, _ = controller.post()
    pool.fails_before["retrieve"] = [away()]
    assert "could not be fetched" in PoolJobManager.get_logs(JOB_DB[job_id]["backend_job_id"], workspace="/x")


def test_the_pool_is_told_now_and_then_that_steps_are_waited_for(controller, pool):
    controller.post()
    controller.look(20)
    assert len(pool.leases) == 1


def test_a_steps_needs_become_its_jobs(controller, pool):
    controller.post(kubernetes_memory_limit="2Gi", c4p_cpu_cores="4", htcondor_max_runtime="espresso", kubernetes_job_timeout=99)
    job = pool.descriptions[0]
    assert (job["request_memory"], job["request_cpus"], job["allowed_execute_duration"]) == ("2048", "4", "1200")


def test_hints_without_effect_are_mentioned(controller, pool):
    job_id, number = controller.post(voms_proxy=True, rucio=False)
    pool.become(number, COMPLETED, **ended())
    controller.look()
    assert controller.log(job_id) == "said\nscailfin: voms_proxy: true has no effect on the pool\n"


@pytest.mark.parametrize(
    "asked, words",
    [
        ({"command": " "}, "no command"),
        ({"kubernetes_memory_limit": "much"}, "memory"),
        ({"slurm_time": "soon"}, "slurm_time"),
        ({"env_vars": {"a b": "x"}}, "not a valid name of an environment variable"),
    ],
)
def test_what_no_step_can_be_is_refused_with_a_reason(controller, pool, asked, words):
    with pytest.raises(ValueError, match=words):
        controller.post(**asked)
    assert pool.jobs == {}


def test_a_workflow_is_no_expression(controller, pool, monkeypatch):
    monkeypatch.setattr("test_life.WORKFLOW", '" || true || "')
    with pytest.raises(ValueError):
        controller.post()


def test_steps_get_the_users_secrets_but_not_the_pools_token(controller, pool, private, monkeypatch, tmp_path):
    monkeypatch.setenv("REANA_USER_ID", str(uuid.uuid4()))
    for name in ("MINE", "SCAILFIN_POOL_TOKEN"):
        monkeypatch.setenv(name, "value of " + name)
    named = [{"name": name} for name in ("MINE", "SCAILFIN_POOL_TOKEN")]
    monkeypatch.setattr(manager.REANAUserSecretsStore, "get_env_secrets_as_k8s_spec", lambda self: named)
    monkeypatch.setattr(manager.REANAUserSecretsStore, "__init__", lambda self, user: None)
    (tmp_path / "secrets/key.pem").write_bytes(b"\xff")
    (tmp_path / "secrets/scailfin-pool-token").write_text("t")
    assert manager.secrets() == ({"MINE": "value of MINE"}, {"key.pem": b"\xff"})


@pytest.mark.parametrize(
    "asked, seconds",
    [({"slurm_time": text}, value) for text, value in [("90", 5400), ("1:30", 90), ("2:00:01", 7201), ("1-2", 93600), ("0", 604800)]]
    + [({"htcondor_max_runtime": "77"}, 77), ({"kubernetes_job_timeout": 5}, 5), ({}, 604800)],
)
def test_times_are_read_as_their_systems_read_them(asked, seconds):
    assert manager.hints.seconds_of(asked) == seconds


def test_the_token_is_nowhere_but_in_a_file_of_ours(private, monkeypatch):
    from scailfin_backend import settings

    seen = {}

    def run(argv, **options):
        seen.update(argv=argv, env=options["env"], input=options["input"])
        return type("Done", (), {"stdout": json.dumps({"jobs": []}).encode(), "stderr": b"", "returncode": 0})

    monkeypatch.setenv("SCAILFIN_POOL_TOKEN", "ey.secret")
    monkeypatch.setattr(schedd.subprocess, "run", run)
    schedd.ask("query", workflows=[])
    assert "ey.secret" not in repr(seen)
    assert (private / "tokens/pool").read_text() == "ey.secret\n"
    assert [(private / name).stat().st_mode & 0o777 for name in ("tokens", "tokens/pool", "condor_config")] == [0o700, 0o600, 0o600]
    monkeypatch.delenv("SCAILFIN_POOL_TOKEN")
    with pytest.raises(settings.SettingsError, match="no token for the pool"):
        schedd.ask("query", workflows=[])


def test_a_client_that_dies_or_hangs_is_an_unknown(private, monkeypatch):
    monkeypatch.setattr(schedd.sys, "executable", "/bin/false")
    with pytest.raises(schedd.ScheddError, match="ended with 1"):
        schedd.ask("query", workflows=[])
    monkeypatch.setattr(schedd.sys, "executable", "/bin/sleep")
    monkeypatch.setattr(schedd.subprocess, "run", lambda argv, timeout, **o: (_ for _ in ()).throw(schedd.subprocess.TimeoutExpired(argv, timeout)))
    with pytest.raises(schedd.ScheddError, match="did not answer in 60 s"):
        schedd.ask("query", workflows=[])


def test_names_that_reanas_clients_know_mean_the_pool():
    from reana_job_controller import config
    from scailfin_backend import app  # noqa: F401

    assert config.DEFAULT_COMPUTE_BACKEND == "htcondorvc3"
    for name in ("htcondorvc3", "htcondorcern", "slurmcern", "compute4punch"):
        assert config.COMPUTE_BACKENDS[name]() is PoolJobManager and name in config.SUPPORTED_COMPUTE_BACKENDS
    assert "kubernetes" in config.SUPPORTED_COMPUTE_BACKENDS
    assert job_db.JOB_DB is JOB_DB
