"""What monitors are made with."""


def singleton(cls):
    """Return a function that makes one instance, and takes named arguments only."""
    made = []

    def instance(**kwargs):
        if not made:
            made.append(cls(**kwargs))
        return made[0]

    return instance
