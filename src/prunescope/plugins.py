"""Discovery of plug-ins: in the modules of a package, and in entry points of other packages."""

import importlib
import pkgutil
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from prunescope.errors import InputError


def discover(package: ModuleType, base: type) -> dict[str, type]:
    """Concrete subclasses of `base` by name: those in the modules of `package`, and those that
    other packages declare as entry points of the group with the package's name.

    InputError names an entry point that is no such class, or whose name is taken.
    """
    classes = {cls.name: cls for cls in _in_package(package, base)}
    for point in entry_points(group=package.__name__):
        cls = _load(point, base)
        if cls.name in classes:
            raise InputError(
                f"{_where(point)}: the name {cls.name!r} is that of {_path(classes[cls.name])}; "
                f"taken: {sorted(classes)}"
            )
        classes[cls.name] = cls
    return classes


def _in_package(package: ModuleType, base: type) -> list[type]:
    """Concrete subclasses of `base` that modules of the package define."""
    modules = [
        importlib.import_module(f"{package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(package.__path__)
    ]
    return [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base)
        if value.__module__ == module.__name__ and not value.__abstractmethods__
    ]


def _load(point: EntryPoint, base: type) -> type:
    """The class of an entry point; InputError unless it is a concrete subclass of `base`."""
    try:
        cls = point.load()
    except Exception as error:  # importing a foreign module may raise anything
        raise InputError(
            f"{_where(point)}: cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(cls, type) or not issubclass(cls, base):
        raise InputError(f"{_where(point)}: {cls!r} is not a subclass of {_path(base)}")
    missing = [name for name in base.__annotations__ if not hasattr(cls, name)]
    if missing := missing + sorted(cls.__abstractmethods__):
        raise InputError(f"{_where(point)}: {cls.__name__} must define {', '.join(missing)}")
    return cls


def _where(point: EntryPoint) -> str:
    return f"entry point {point.group!r} of {point.dist.name}: {point.name} = {point.value}"


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
