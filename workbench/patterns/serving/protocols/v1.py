"""KServe's protocol of version 1: `POST /v1/models/NAME:predict`, also with an event.

As kserve/protocol/rest/v1_endpoints.py of KServe 0.20 has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import body
from ..refusals import Refused
from . import forms

if TYPE_CHECKING:
    from ....data.decoding import Decoder
    from ..exchange import Question, Request

_SHOWN = 'as in {"instances": [{…}, …]}'


def ask(request: Request, decoder: Decoder) -> Question:
    """Read a request of `instances` or `inputs`. Refused where it has neither."""
    return of(body.json(request.content, fix=f"send JSON {_SHOWN}"), decoder)


def of(said: Any, decoder: Decoder) -> Question:
    """Likewise, of JSON that is read already."""
    form = next((form for form in forms.FORMS if type(said) is dict and form in said), None)
    if form is None:
        raise Refused("the body holds neither instances nor inputs", fix=_SHOWN)
    return forms.question(form, said[form], decoder, forms.predictions, example=_SHOWN)
