"""The settings of JupyterLab on a compute node, read by Jupyter itself; worker.sh sets the variables. `token` is beside this file."""

import hashlib
import os
import shutil

from jupyter_core.paths import ENV_JUPYTER_PATH, SYSTEM_JUPYTER_PATH
from jupyter_server.services.contents.filecheckpoints import FileCheckpoints

c = get_config()  # noqa: F821  # Jupyter has it
here = os.path.dirname(os.path.abspath(__file__))
notebooks = os.environ["SCAILFIN_NOTEBOOKS"]
idle = int(os.environ["SCAILFIN_IDLE"])
with open(os.path.join(here, "token")) as file:
    token = file.read().strip()

for app in (c.ServerApp, c.NotebookApp):
    # nobody else can enter its directory
    app.sock = os.path.join(os.environ["JUPYTER_RUNTIME_DIR"], "s")
    app.sock_mode = "0600"
    app.open_browser = False
    # in some containers, the user is called so
    app.allow_root = True
    # the door on the headnode decides by which name it is reached
    app.allow_remote_access = True
    app.quit_button = False
    app.terminado_settings = {"shell_command": [shutil.which("bash") or "/bin/sh"]}
c.ServerApp.root_dir = c.NotebookApp.notebook_dir = notebooks
c.IdentityProvider.token = c.NotebookApp.token = token
c.PasswordIdentityProvider.hashed_password = ""
# by TCP, other users of the node could read what a kernel says
c.ConnectionFileMixin.transport = "ipc"
c.MappingKernelManager.cull_idle_timeout = c.TerminalManager.cull_inactive_timeout = idle
c.MappingKernelManager.cull_interval = c.TerminalManager.cull_interval = max(1, min(300, idle // 2))
# a wastebasket would be further files at the site
c.FileContentsManager.delete_to_trash = False
# they ask servers that a node may not reach
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
# kernels that the user, the image or the site has installed; nothing else of the user's
own = [os.path.join(os.environ["JUPYTER_DATA_DIR"], "kernels"), os.path.expanduser("~/.local/share/jupyter/kernels")]
c.KernelSpecManager.kernel_dirs = own + [os.path.join(path, "kernels") for path in ENV_JUPYTER_PATH + SYSTEM_JUPYTER_PATH]


def checkpoint_path(self, checkpoint_id, path):
    """Beside notebooks they would be further files at the site."""
    parent, name = os.path.split(path.strip("/"))
    place = os.path.join(os.environ["JUPYTER_DATA_DIR"], "checkpoints", hashlib.sha256(parent.encode()).hexdigest()[:24])
    os.makedirs(place, exist_ok=True)
    return os.path.join(place, "%s-%s" % (checkpoint_id, name))


FileCheckpoints.checkpoint_path = checkpoint_path
