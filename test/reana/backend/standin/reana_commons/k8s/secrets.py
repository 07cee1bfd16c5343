"""Stands in for reana-commons' store of a user's secrets, which asks Kubernetes: here a variable names them."""

import os


class REANAUserSecretsStore:
    """The secrets of one user."""

    def __init__(self, user_secret_store_id):
        """Take the user's id."""
        if not user_secret_store_id:
            raise ValueError("a store has an owner")
        self.name = user_secret_store_id

    def get_env_secrets_as_k8s_spec(self):
        """Return what a pod's description would say of variables: names, and where their values are, never these."""
        names = os.environ.get("STANDIN_ENV_SECRETS", "").split()
        return [{"name": n, "valueFrom": {"secretKeyRef": {"name": self.name, "key": n}}} for n in names]
