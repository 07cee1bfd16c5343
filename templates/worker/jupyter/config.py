"""The settings of JupyterLab on a compute node, read by Jupyter itself; worker.sh sets the variables. `token` is beside this file."""

import hashlib
import os
import shutil

import jupyter_server
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core.paths import ENV_JUPYTER_PATH, SYSTEM_JUPYTER_PATH
from jupyter_server.services.contents.filecheckpoints import FileCheckpoints

c = get_config()  # noqa: F821  # Jupyter has it
here = os.path.dirname(os.path.abspath(__file__))
notebooks = os.environ["SCAILFIN_NOTEBOOKS"]
idle = int(os.environ["SCAILFIN_IDLE"])
with open(os.path.join(here, "token")) as file:
    token = file.read().strip()

# nobody else can enter its directory
c.ServerApp.sock = os.path.join(os.environ["JUPYTER_RUNTIME_DIR"], "s")
c.ServerApp.sock_mode = "0600"
c.ServerApp.root_dir = notebooks
c.ServerApp.open_browser = False
# in some containers, the user is called so
c.ServerApp.allow_root = True
# the door on the headnode decides by which name it is reached
c.ServerApp.allow_remote_access = True
c.ServerApp.terminado_settings = {"shell_command": [shutil.which("bash") or "/bin/sh"]}
c.Application.log_level = 30
c.IdentityProvider.token = token
if jupyter_server.version_info[0] < 2:
    # in an image
    c.ServerApp.token = token
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


class Kernels(KernelSpecManager):
    """Those that the user, the image or the site has installed; nothing else of the user's."""

    def _kernel_dirs_default(self):
        own = [os.environ["JUPYTER_DATA_DIR"], os.path.expanduser("~/.local/share/jupyter")]
        return [os.path.join(path, "kernels") for path in own + ENV_JUPYTER_PATH + SYSTEM_JUPYTER_PATH]


c.ServerApp.kernel_spec_manager_class = Kernels


def checkpoint_path(self, checkpoint_id, path):
    """Beside notebooks they would be further files at the site."""
    parent, name = os.path.split(path.strip("/"))
    place = os.path.join(os.environ["JUPYTER_DATA_DIR"], "checkpoints", hashlib.sha256(parent.encode()).hexdigest()[:24])
    os.makedirs(place, exist_ok=True)
    return os.path.join(place, "%s-%s" % (checkpoint_id, name))


FileCheckpoints.checkpoint_path = checkpoint_path
