"""Errors that a user meets: one line that names the file or the option, and what was expected."""


class ConfigError(ValueError):
    """An option, a preset or a combination of them that cannot be used."""


class DataError(ValueError):
    """Data that cannot be used: which file or option, and what was expected."""


class DivergedError(RuntimeError):
    """Training that has left the finite numbers: at which iteration, and what to try."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be trusted or does not fit: which file, and why."""


class PassedOver(UserWarning):
    """A checkpoint that cannot be trusted, in whose place an older one is taken."""


class DeviceError(RuntimeError):
    """A GPU that is not there, cannot be used or was lost: why, and what was expected."""
