"""Finding plug-ins: the modules of a package, and the entry points of other packages."""

import importlib
import pkgutil
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from prunescope.errors import InputError


def discover(package: ModuleType, base: type) -> dict[str, type]:
    """All concrete subclasses of `base` in the modules of `package`, and those that other
    packages declare as entry points of the group that is called like the package, by name.

    InputError names an entry point that is not such a class, or whose name is taken.
    """
    found = {cls.name: cls for cls in _own(package, base)}
    for point in entry_points(group=package.__name__):
        cls = _load(point, base)
        if cls.name in found:
            raise InputError(
                f"{_where(point)}: the name {cls.name!r} is that of {_path(found[cls.name])}; "
                f"taken: {sorted(found)}"
            )
        found[cls.name] = cls
    return found


def _own(package: ModuleType, base: type) -> list[type]:
    modules = [
        importlib.import_module(f"{package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(package.__path__)
    ]
    return [
        thing
        for module in modules
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, base)
        if thing.__module__ == module.__name__ and not thing.__abstractmethods__
    ]


def _load(point: EntryPoint, base: type) -> type:
    try:
        cls = point.load()
    except Exception as error:  # whatever the module of another package does when imported
        raise InputError(
            f"{_where(point)}: cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(cls, type) or not issubclass(cls, base):
        raise InputError(f"{_where(point)}: {cls!r} is not a subclass of {_path(base)}")
    lacking = [each for each in base.__annotations__ if not hasattr(cls, each)]
    if lacking := lacking + sorted(cls.__abstractmethods__):
        raise InputError(f"{_where(point)}: {cls.__name__} must define {', '.join(lacking)}")
    return cls


def _where(point: EntryPoint) -> str:
    return f"entry point {point.group!r} of {point.dist.name}: {point.name} = {point.value}"


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
