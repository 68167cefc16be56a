"""What capture says when a name cannot come along: the name, the cell, the reason, and a fix."""

from __future__ import annotations

from ..errors import CaptureRefused


def missing(name: str, user: str, cell: str) -> CaptureRefused:
    if not user:
        return CaptureRefused(
            f"{name!r} is not defined in this kernel", fix=f"run the cell that defines {name}, then capture again"
        )
    return CaptureRefused(
        f"{user} uses {name!r}, which does not exist in this kernel (deleted, or its cell never ran)",
        where=cell or None,
        fix=f"run the cell that defines {name}, then capture again",
    )


def shell_line(user: str, cell: str) -> CaptureRefused:
    return CaptureRefused(
        f"{user} runs a magic or a shell line, which exists only in a notebook",
        where=cell or None,
        fix=f"take the % or ! line out of {user}",
    )


def no_file(user: str, cell: str) -> CaptureRefused:
    return CaptureRefused(
        f"{user} reads __file__, which a notebook does not have, and which is another file where the model runs",
        where=cell or None,
        fix="write the path as it is, or give it a name in a cell: HERE = Path.cwd()",
    )


def enclosing(name: str, variable: str, cell: str) -> CaptureRefused:
    return CaptureRefused(
        f"the body of the class {name} reads {variable!r} of the function that it was made in, which nothing keeps",
        where=cell or None,
        fix=f"read {variable} in a method of {name}, or make the class outside of the function",
    )


def rebound(name: str, used: str, cell: str) -> CaptureRefused:
    return CaptureRefused(
        f"{name} was made by a call that used {used!r}, which has been bound again since",
        where=cell or None,
        fix=f"run the cell that makes {name} again, then capture again",
    )


def stale_cache(name: str, used: str, touched: str, cell: str) -> CaptureRefused:
    return CaptureRefused(
        f"the cache of {name} may hold answers from before {used!r} was changed ({touched})",
        where=cell or None,
        fix=f"{name}.cache_clear(), then capture again",
    )


def shared_memory(name: str, other: str) -> CaptureRefused:
    return CaptureRefused(
        f"{name} and {other} are views of one memory, into which the model writes; elsewhere each has its own",
        where=name,
        fix=f"{name} = {name}.copy(), or keep {other} alone and make the other from it inside the function",
    )


def other_answers(name: str, place: str, clear: str) -> CaptureRefused:
    return CaptureRefused(
        f"the cache of {name} holds answers that {name} does not give now: an object that it was asked of, or closes "
        "over, was changed since",
        where=place or None,
        fix=f"{clear}.cache_clear(), then capture again" if clear else f"run the cell that makes {name} again",
    )


def wrapped(name: str, cell: str) -> CaptureRefused:
    return CaptureRefused(
        f"{name} was wrapped after it was defined: its text alone is another function",
        where=cell or None,
        fix=f"write the wrapper as a decorator, @wrapper above def {name}, or give the wrapped one a name of its own",
    )


def other_default(name: str, cell: str, what: str = "default") -> CaptureRefused:
    return CaptureRefused(
        f"a {what} of {name} was another value when it was defined than its text gives now",
        where=cell or None,
        fix=f"run the cell that defines {name} again, then capture again",
    )


def refitted(name: str, used: str, cell: str) -> CaptureRefused:
    return CaptureRefused(
        f"the formula of {name} was fitted with another {used!r} than the notebook has now",
        where=cell or None,
        fix=f"fit {name} again, or bind {used} again to what it was; then capture again",
    )


def other_global(name: str, used: str, file: str) -> CaptureRefused:
    return CaptureRefused(
        f"{name} reads the {used!r} of what made it, and the notebook's is bound to another",
        where=file,
        fix=f"%run -i {file}, which makes both one, then bind {used} as the model needs it and capture again",
    )


def module_changed(path: str, what: str, file: str) -> CaptureRefused:
    return CaptureRefused(
        f"{path} in this kernel is not what its file says: {what}",
        where=file,
        fix=f"restart the kernel, or importlib.reload({path}) and run its users again, and keep what the model needs "
        "of the session in a global of the notebook; then capture again",
    )


def made_inside(qualname: str, path: str, file: str) -> CaptureRefused:
    return CaptureRefused(
        f"{qualname} is a class that {path} makes inside a function, where no other process finds it",
        where=file,
        fix=f"define it at the top of {path}, or make what is of it in `def load(self)` of a class Model",
    )


def mocked(path: str) -> CaptureRefused:
    return CaptureRefused(
        f"{path} is not the package's own: unittest.mock has put something in its place, and was not stopped",
        fix="unittest.mock.patch.stopall(), then capture again",
    )


def unproven(name: str, kind: str, cell: str, *, by_text: bool = False) -> CaptureRefused:
    if by_text:
        what, fix = (
            f"the {kind} {name} was made by exec, whose text nothing keeps",
            f"write {name} as it is into a cell",
        )
    else:
        what = f"the text of the {kind} {name} is not known: no cell that ran compiles to what is live now"
        fix = f"run the cell that defines {name} again"
    return CaptureRefused(what, where=cell or None, fix=f"{fix}, then capture again")


def other_binding(name: str, cell: str) -> CaptureRefused:
    return CaptureRefused(
        f"an object was made with a class {name} that has been redefined or deleted since",
        where=cell or None,
        fix=f"make the object again, with the class {name} as it is now, then capture again",
    )


def file_unnamed(user: str, file: str, cell: str) -> CaptureRefused:
    return CaptureRefused(
        f"{user} reads the file {file}, whose path is put together in a way that cannot be followed elsewhere",
        where=cell or None,
        fix=f"read it in a cell and keep its contents in a global, or write its path as it is: FILE = {file!r}",
    )


def circular(names: list[str], cells: list[str]) -> CaptureRefused:
    return CaptureRefused(
        f"{' and '.join(names)} need each other while they are being defined",
        where=", ".join(dict.fromkeys(filter(None, cells))) or None,
        fix="let one of them read the other only when it is called",
    )


def secret(name: str, variable: str, cell: str) -> CaptureRefused:
    return CaptureRefused(
        f"{name} holds the value of the environment variable {variable}, which is never stored",
        where=cell or None,
        fix=f"read os.environ[{variable!r}] inside the function that uses it, or in `load` of a class Model",
    )


def secret_in_file(file: str, variable: str, place: str) -> CaptureRefused:
    return CaptureRefused(
        f"the file {file} holds the value of the environment variable {variable}, which is never stored",
        where=place,
        fix=f"take the value out of the file, and read os.environ[{variable!r}] where it is used",
    )


def by_string(name: str, cell: str, line: str) -> CaptureRefused:
    return CaptureRefused(
        f"{name} looks a global up by a name that only runs know: {line}",
        where=cell or None,
        fix="keep what it chooses from in a dict of your own, and look it up there",
    )


def by_module(name: str, cell: str, line: str) -> CaptureRefused:
    return CaptureRefused(
        f"{name} reaches for the notebook by its module __main__, which is another one elsewhere: {line}",
        where=cell or None,
        fix="use its names as they are, or keep what it chooses from in a dict of your own",
    )


def by_hash(name: str, cell: str, line: str) -> CaptureRefused:
    return CaptureRefused(
        f"{name} uses hash(), which gives another number for the same text in each process: {line}",
        where=cell or None,
        fix="import zlib, and write zlib.crc32(str(x).encode()) in the place of hash(x): the same everywhere",
    )


def by_order(name: str, put: str, cell: str, line: str) -> CaptureRefused:
    return CaptureRefused(
        f"{name} puts the set {put} in an order, which is another one in each process: {line}",
        where=cell or None,
        fix=f"write sorted({put}) in its place, or make {put} a list",
    )


def pickled_here(name: str, cell: str = "") -> CaptureRefused:
    return CaptureRefused(
        f"{name} holds bytes that were pickled in this notebook and refer to its __main__",
        where=cell or None,
        fix=f"build {name} from objects, not from their pickles, or define the class in a module beside the notebook",
    )
