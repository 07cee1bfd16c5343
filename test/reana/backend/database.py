"""SQLite in the place of PostgreSQL, which the real job controller's models are made for: of its tables, only that of jobs."""

import os
import tempfile

import sqlalchemy

directory = tempfile.TemporaryDirectory(prefix="scailfin-test-")
os.environ["REANA_SQLALCHEMY_DATABASE_URI"] = "sqlite:///{}/main".format(directory.name)
os.environ.setdefault("REANA_KUBERNETES_JOBS_TIMEOUT_LIMIT", "604800")
os.environ.setdefault("REANA_KUBERNETES_JOBS_MAX_USER_TIMEOUT_LIMIT", "1209600")
create_engine = sqlalchemy.create_engine
sqlalchemy.create_engine = lambda uri, **_: create_engine(uri, connect_args={"check_same_thread": False})

from reana_db.database import engine  # noqa: E402
from reana_db.models import Job  # noqa: E402


@sqlalchemy.event.listens_for(engine, "connect")
def attach(connection, _):
    """The models' schema is a file of its own."""
    connection.execute("attach database '{}/reana' as __reana".format(directory.name))


table = Job.__table__
table.constraints = {c for c in table.constraints if not isinstance(c, sqlalchemy.CheckConstraint)}
table.create(engine)
