"""The one exception for wrong input."""


class InputError(ValueError):
    """Something given by the user is wrong. The message names the place, the key and what is allowed."""
