"""Find a recipe by its name and call it with the options that were given.

Used as: `last = build("demo", samples=2000, seeds=None)`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mathmill.errors import UsageError


def build(recipe: str, **options: Any) -> Any:
    """Return the last step of a recipe, called with the options that were given.

    Raises UsageError for an unknown recipe or an option that the recipe does not take.
    """
    import inspect

    from mathmill.execution.step import Step

    function = find_recipe(recipe)
    given = {name: value for name, value in options.items() if value is not None}
    if given.get("samples", 1) < 1:
        raise UsageError("--samples must be at least 1: nothing would be made")
    takes = inspect.signature(function).parameters
    for name in given:
        if name not in takes:
            raise UsageError(f"the recipe {recipe} takes no --{name}; it takes "
                             + (", ".join(f"--{p}" for p in takes) or "no options"))
    last = function(**given)
    if not isinstance(last, Step):
        raise UsageError(f"{recipe}: its function recipe(...) returned {type(last).__name__}; "
                         "let it return its last step, such as report(...)")
    return last


def find_recipe(name: str) -> Any:
    """Return the function `recipe` of a shipped recipe or of a Python file."""
    import importlib
    import importlib.util
    import pkgutil

    if name.endswith(".py"):
        path = Path(name)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if not path.is_file() or spec is None or spec.loader is None:
            raise UsageError(f"{name}: there is no such recipe file; check the path")
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        try:
            spec.loader.exec_module(module)
        except SyntaxError as error:  # the recipe's own, or one of what it imports
            raise UsageError(f"{error.filename or name}:{error.lineno}: {error.msg}; "
                             "mend the recipe") from error
    else:
        import mathmill_recipes

        known = sorted(m.name for m in pkgutil.iter_modules(mathmill_recipes.__path__)
                       if not m.name.startswith("_"))
        if name not in known:
            raise UsageError(f"there is no recipe {name!r}; there are: {', '.join(known)}, "
                             "or give the path of a .py file")
        module = importlib.import_module(f"mathmill_recipes.{name}")
    if not hasattr(module, "recipe"):
        raise UsageError(f"{name}: it has no function recipe(...) that returns a step")
    return module.recipe


def beside_plan(recipe: str, plan: Any) -> str:
    """Return what a recipe sets beside a plan of it (its function `beside_plan`), if anything."""
    words = getattr(sys.modules[find_recipe(recipe).__module__], "beside_plan", None)
    return "" if words is None else str(words(plan))


def default_out(recipe: str) -> Path:
    """Return the folder of a recipe's runs."""
    return Path("runs") / Path(recipe).stem
