"""The one exception for wrong input."""


class InputError(ValueError):
    """Something given by the user is wrong; the message names the place and what is allowed."""
