"""Finding plug-ins: the modules of a package, and the entry points of other packages."""

import importlib
import pkgutil
from importlib.metadata import entry_points
from types import ModuleType


def discover(package: ModuleType, base: type) -> dict[str, type]:
    """All concrete subclasses of `base` in the modules of `package`, and those that other
    packages declare as entry points of the group that is called like the package, by name."""
    modules = [
        importlib.import_module(f"{package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(package.__path__)
    ]
    own = [
        thing
        for module in modules
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, base)
        if thing.__module__ == module.__name__ and not thing.__abstractmethods__
    ]
    foreign = [point.load() for point in entry_points(group=package.__name__)]
    return {cls.name: cls for cls in own + foreign}
