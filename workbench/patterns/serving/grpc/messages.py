"""The text of the protocols -> the classes of their messages, in a pool of descriptors of our own.

In protobuf's own pool each name can be once in a process, and Triton's client, MLServer and KServe each bring the
package `inference`: whoever is imported second fails. Here nothing is taken from them and nothing is in their way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from .protos import FILES

_WORD = re.compile(r"[\w.]+|[{}()=;<>,]")
_SCALARS = ("bool", "bytes", "double", "float", "int32", "int64", "string", "uint32", "uint64")


@cache
def message(name: str) -> Any:
    """The class of a message by its full name, `inference.ModelInferRequest`."""
    return GetMessageClass(pool().FindMessageTypeByName(name))


@cache
def pool() -> DescriptorPool:
    """The descriptors of all that is spoken."""
    made = DescriptorPool()
    for name, text in FILES.items():
        made.Add(file(name, text))
    return made


@cache
def services() -> dict[str, Any]:
    """The descriptors of the services by their full names."""
    files = [pool().FindFileByName(name) for name in FILES]
    return {service.full_name: service for file in files for service in file.services_by_name.values()}


def file(name: str, text: str) -> FileDescriptorProto:
    """A file's text as protobuf describes it."""
    made = FileDescriptorProto(name=name, syntax="proto3")
    words = iter(_WORD.findall(text))
    for word in words:
        if word == "package":
            made.package = next(words)
        elif word == "service":
            _service(made, words)
        elif word == "message":
            _message(made.message_type.add(), words)
        elif word == "enum":
            _enum(made.enum_type.add(), words)
    _resolved(made)
    return made


def _until_closed(words: Iterator[str]) -> Iterator[str]:
    """The words that begin what stands between braces."""
    assert next(words) == "{"
    for word in words:
        if word == "}":
            return
        if word != ";":
            yield word


def _message(made: DescriptorProto, words: Iterator[str]) -> None:
    made.name = next(words)
    for word in _until_closed(words):
        if word == "message":
            _message(made.nested_type.add(), words)
        elif word == "enum":
            _enum(made.enum_type.add(), words)
        elif word == "oneof":
            made.oneof_decl.add(name=next(words))
            for kind in _until_closed(words):
                _field(made, kind, words).oneof_index = len(made.oneof_decl) - 1
        else:
            _field(made, word, words)


def _field(made: DescriptorProto, word: str, words: Iterator[str]) -> FieldDescriptorProto:
    repeated = word in ("repeated", "map")
    if word == "map":
        _, key, _, value, _ = (next(words) for _ in range(5))
    kind = next(words) if word == "repeated" else word
    name, _, number = (next(words) for _ in range(3))
    if word == "map":
        kind = f"{name.title().replace('_', '')}Entry"
        entry = made.nested_type.add(name=kind)
        entry.options.map_entry = True
        for place, (part, of) in enumerate((("key", key), ("value", value)), 1):
            _typed(entry.field.add(name=part, number=place, label=FieldDescriptorProto.LABEL_OPTIONAL), of)
    label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
    return _typed(made.field.add(name=name, number=int(number), label=label), kind)


def _typed(field: FieldDescriptorProto, kind: str) -> FieldDescriptorProto:
    if kind in _SCALARS:
        field.type = getattr(FieldDescriptorProto, f"TYPE_{kind.upper()}")
    else:
        field.type_name = kind
    return field


def _enum(made: Any, words: Iterator[str]) -> None:
    made.name = next(words)
    for name in _until_closed(words):
        assert next(words) == "="
        made.value.add(name=name, number=int(next(words)))


def _service(made: FileDescriptorProto, words: Iterator[str]) -> None:
    service = made.service.add(name=next(words))
    for _ in _until_closed(words):
        method = service.method.add(name=next(words))
        for side in ("input", "output"):
            opening = next(words) if side == "input" else [next(words), next(words)][1]
            kind = next(words)
            if streams := kind == "stream":
                kind = next(words)
            setattr(method, f"{'client' if side == 'input' else 'server'}_streaming", streams)
            setattr(method, f"{side}_type", f".{made.package}.{kind}")
            assert (opening, next(words)) == ("(", ")")


def _resolved(made: FileDescriptorProto) -> None:
    """Names of types in full, as protoc writes them: those who ask by reflection look nothing up."""
    known = {f".{made.package}.{enum.name}": FieldDescriptorProto.TYPE_ENUM for enum in made.enum_type}
    for one in made.message_type:
        known |= _names(one, f".{made.package}.{one.name}")
    for one in made.message_type:
        _resolve(one, f".{made.package}.{one.name}", known)


def _names(made: DescriptorProto, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {name: FieldDescriptorProto.TYPE_MESSAGE}
    found |= {f"{name}.{enum.name}": FieldDescriptorProto.TYPE_ENUM for enum in made.enum_type}
    for nested in made.nested_type:
        found |= _names(nested, f"{name}.{nested.name}")
    return found


def _resolve(made: DescriptorProto, name: str, known: dict[str, Any]) -> None:
    for field in made.field:
        if field.type_name:
            scopes = [name.rsplit(".", up)[0] for up in range(name.count("."))]
            field.type_name = next(full for scope in scopes if (full := f"{scope}.{field.type_name}") in known)
            field.type = known[field.type_name]
    for nested in made.nested_type:
        _resolve(nested, f"{name}.{nested.name}", known)
