"""`workbench.VERB(…)`: a Python function for each verb, with the signature and docstring of its spec."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..specs.spec import Option, Verb
from ..specs.verbs import VERBS, verb
from ..text import closest
from . import arguments, helptext, working
from .answers import as_json, asked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ORDER = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY


BESIDE_VERBS = ("client", "form", "get", "register", "result")
"""The functions that only Python has."""


def names() -> list[str]:
    """The functions that there are."""
    return [*(spec.function for spec in VERBS), *BESIDE_VERBS]


def function(name: str, workbench: Callable[[], Any] | None = None) -> Callable[..., Any]:
    """The function of a verb; AttributeError if there is no such verb. `workbench` gives the API that it calls."""
    if name == "register":
        return _register(function("model", workbench))
    if name == "get":
        return _get(workbench or _api)
    if name == "client":
        return _client(workbench or _api)
    if name == "form":
        return _form(workbench or _api)
    if name == "result":
        return _result()
    spec = verb(name)
    if spec is None:
        raise AttributeError(name)
    return _function(spec, workbench or _api)


def _function(spec: Verb, workbench: Callable[[], Any]) -> Callable[..., Any]:
    caller = f"workbench.{spec.function}"

    def call(*args: Any, **kwargs: Any) -> Any:
        given = arguments.check(spec, _bound(spec, args, kwargs), caller)
        options = asked(spec, given)
        if spec.name == "model":
            options |= _notebook(options, caller)
        with working.on(spec, options):
            answer = getattr(workbench(), spec.function)(**options)
        return _shown(given, answer)

    call.__name__ = call.__qualname__ = spec.function
    call.__module__ = __name__.partition(".")[0]
    call.__doc__ = helptext.docstring(spec)
    call.__signature__ = inspect.Signature([_parameter(option) for option in _ordered(spec)])  # type: ignore[attr-defined]
    return call


def _register(model: Callable[..., Any]) -> Callable[..., Any]:
    def register(obj: Any, name: str, **options: Any) -> Any:
        """Capture `obj` as the model `name`: the same as `workbench.model(name, obj, …)`."""
        return model(name, obj, **options)

    register.__module__ = __name__.partition(".")[0]
    return register


def _result() -> Callable[..., Any]:
    def result(**results: Any) -> Any:
        """Hand values, frames, figures and models back to the run of this notebook: `workbench.result(auc=0.91)`. They
        stand on its card and in `run.results`. In a notebook that a person runs they are only shown."""
        from ..patterns.batch.results import hand_back

        return hand_back(results)

    result.__module__ = __name__.partition(".")[0]
    return result


def _get(workbench: Callable[[], Any]) -> Callable[..., Any]:
    def get(name: str) -> Any:
        """What has this name: the handle on what runs (`service/churn`), or a version (`churn@3`). NotFound."""
        from ..operations.steering import find

        api = workbench()
        if "/" in name or name in api.running.names_to_look_at(api.registry.names()):
            return find(api.running, api.registry, name)
        return api.registry.resolve(name)

    get.__module__ = __name__.partition(".")[0]
    return get


def _client(workbench: Callable[[], Any]) -> Callable[..., Any]:
    def client(where: str, token: str | None = None, *, timeout: float = 60.0) -> Any:
        """A client of a service of Workbench, `where` is its URL or, on its own machine, its name: `predict(frame)`.

        The token of a service of this home is known here. `timeout` is for how many seconds a request is tried.
        """
        from ..operations import addresses

        api = workbench()
        return addresses.client(where, api.running, api.registry, token=token, timeout=timeout)

    client.__module__ = __name__.partition(".")[0]
    return client


def _form(workbench: Callable[[], Any]) -> Callable[..., Any]:
    def form(target: Any, values: Mapping[str, Any] | None = None) -> Any:
        """A form for a model or version (`churn`), which predicts while it is filled, or for the parameters of a
        notebook (`retrain.ipynb`), which runs it. `values` are what the fields of a model begin with; then the form has
        a link to what it holds, for a page that reads its address. NotFound, BadInput."""
        from ..cards.forms import FormCard
        from ..cards.notebooks import NotebookCard
        from .live import Shown

        api, said = workbench(), str(getattr(target, "ref", target))
        if said.endswith(".ipynb"):
            return Shown(NotebookCard(said, api.home))
        return Shown(FormCard(api.registry.resolve(said), api.home, values))

    form.__module__ = __name__.partition(".")[0]
    return form


def _api() -> Any:
    from ..api import Workbench

    return Workbench()


def _ordered(spec: Verb) -> list[Option]:
    return sorted(spec.options, key=lambda option: not option.positional)


def _parameter(option: Option) -> inspect.Parameter:
    default = inspect.Parameter.empty if option.required else option.default
    return inspect.Parameter(option.name, _ORDER[not option.positional], default=default)


def _bound(spec: Verb, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a call gives, by name; a word too many or an unknown one is a UsageError."""
    positional = [option.name for option in spec.options if option.positional]
    known = [option.name for option in spec.options]
    if len(args) > len(positional):
        raise UsageError(
            f"workbench.{spec.function} takes {', '.join(positional)}", fix="give the other options by name"
        )
    given = dict(zip(positional, args, strict=False))
    for name, value in kwargs.items():
        if name not in known:
            near = closest(name, known)
            fix = f"did you mean {near}?" if near else f"it has {', '.join(known)}"
            raise UsageError(f"workbench.{spec.function} has no option {name}", fix=fix)
        if name in given:
            raise UsageError(f"workbench.{spec.function}: {name} is given twice", fix="give it once")
        given[name] = value
    return {name: _plain(next(o for o in spec.options if o.name == name), value) for name, value in given.items()}


def _plain(option: Option, value: Any) -> Any:
    """A version may be given as the object that a verb answered, yes and no as True and False."""
    if option.kind in ("model", "version") and not isinstance(value, str):
        return getattr(value, "ref", value)
    if option.choices == ("yes", "no") and isinstance(value, bool):
        return "yes" if value else "no"
    return value


def _shell() -> Any:
    """The live notebook, if this runs in one."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _notebook(options: Mapping[str, Any], caller: str) -> dict[str, Any]:
    """What a capture takes from the live notebook, or else from the running script."""
    from . import cell, session

    shell = _shell()
    live = session.session_of(shell) if shell else session.session_of_script()
    thing = options["object"]
    thing = cell.entry_of(live.namespace, caller) if thing is None else thing
    return {"object": thing, "session": live, "cell": session.label(shell) if shell else ""}


def _shown(given: Mapping[str, Any], answer: Any) -> Any:
    if given.get("json"):
        return as_json(answer)
    if given.get("cell"):
        if (shell := _shell()) is None:
            raise UsageError("there is no next cell outside a notebook", fix="leave cell=True away")
        shell.set_next_input(str(answer))
        return None
    return answer
