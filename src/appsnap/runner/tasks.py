"""Placeholder until the tasks land."""


def watch(loop: object) -> None:
    """Do nothing."""
