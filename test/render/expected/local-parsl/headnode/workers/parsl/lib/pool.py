# Parsl on the pool of the cluster mine, as scailfin made it. On the headnode:
#
#   import parsl, pool
#   with parsl.load(pool.config): ...
import os
import sys

home = "/@HOME@/.scailfin/mine/pool/workers/parsl"
if not os.path.isdir(home):
    raise RuntimeError("the cluster " + "mine" + " is not on this machine, or was taken down; to see it: scailfin status " + "mine")
sys.path.append(home + "/lib")

from parsl.config import Config
from scailfin_parsl import PoolExecutor, only_lost

config = Config(
    # at most as many blocks, each of as many cores, as `scailfin up --workers --worker-cores` said
    executors=[PoolExecutor()],
    # a task that was lost with its node runs again, up to three times; one that failed by itself does not
    retries=3,
    retry_handler=only_lost,
    # blocks come when tasks wait, and go when they had nothing to do for a minute
    strategy="htex_auto_scale",
    strategy_period=1,
    max_idletime=60,
    # logs, and the keys of this program; they go with the cluster
    run_dir=home + "/runinfo",
)
